// A project of Hardhat on our node; the compiler is solc's JavaScript, which needs no download.
const path = require('node:path')
const { subtask } = require('hardhat/config')
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names')

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve('solc/soljson.js'),
  isSolcJs: true,
  version: '0.8.30',
  longVersion: require('solc').version(),
}))

module.exports = {
  solidity: { version: '0.8.30', settings: { optimizer: { enabled: true } } },
  defaultNetwork: 'numen',
  networks: { numen: { url: process.env.NUMEN_URL, chainId: 31337 } },
  paths: { sources: path.join(__dirname, 'contracts') },
}
