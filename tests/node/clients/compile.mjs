// Compiles Vault.sol with solc's JavaScript.
import fs from 'node:fs'
import solc from 'solc'

const content = fs.readFileSync('Vault.sol', 'utf8')
const input = {
  language: 'Solidity',
  sources: { 'Vault.sol': { content } },
  settings: {
    evmVersion: 'prague',
    optimizer: { enabled: true },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
}
const output = JSON.parse(solc.compile(JSON.stringify(input)))
const found = output.contracts['Vault.sol'].Vault
export const abi = found.abi
export const bytecode = '0x' + found.evm.bytecode.object
