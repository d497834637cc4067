// ethers against the node: deploy, call, send, errors, events, logs, WebSocket, typed data.
import assert from 'node:assert/strict'
import { ethers } from 'ethers'
import { abi, bytecode } from './compile.mjs'

const [http, websocket, secret] = process.argv.slice(2)
const provider = new ethers.JsonRpcProvider(http, undefined, { cacheTimeout: -1 })
provider.pollingInterval = 50
const network = await provider.getNetwork()
assert.equal(network.chainId, 31337n)

const unlocked = await provider.getSigner(1)
const wallet = new ethers.NonceManager(new ethers.Wallet(secret, provider))
const now = (await provider.getBlock('latest')).timestamp
const factory = new ethers.ContractFactory(abi, bytecode, wallet)
const vault = await factory.deploy(now + 3600, { value: ethers.parseEther('1') })
await vault.waitForDeployment()
assert.equal(await vault.unlockTime(), BigInt(now + 3600))
assert.equal(await provider.getBalance(vault.target), ethers.parseEther('1'))

// a transfer by an unlocked account, with its event
const sent = await unlocked.sendTransaction({ to: vault.target, value: 7n })
const receipt = await sent.wait()
assert.equal(receipt.status, 1)
const [log] = await vault.queryFilter('Deposit', 0)
assert.equal(log.args.from, await unlocked.getAddress())
assert.equal(log.args.amount, 7n)
assert.equal(await vault.deposits(await unlocked.getAddress()), 7n)
assert.equal(await vault.deposits(await unlocked.getAddress(), { blockTag: receipt.blockNumber - 1 }), 0n)

// errors with their reasons
await assert.rejects(vault.connect(unlocked).withdraw(), (e) =>
  e.code === 'CALL_EXCEPTION' && e.reason === "You aren't the owner")
await assert.rejects(vault.withdraw.staticCall(), (e) => e.revert?.name === 'TooEarly' && e.revert.args[0] <= 3600n)
await assert.rejects(factory.deploy(1), (e) => e.reason === 'Unlock time should be in the future')
const poor = ethers.Wallet.createRandom().connect(provider)
await assert.rejects(poor.sendTransaction({ to: vault.target, value: 1n }), (e) => e.code === 'INSUFFICIENT_FUNDS')

// time travel, snapshots, impersonation
const snapshot = await provider.send('evm_snapshot', [])
await provider.send('evm_increaseTime', [3600])
await provider.send('evm_mine', [])
wallet.reset()
const withdrawal = await (await vault.withdraw()).wait()
assert.equal(vault.interface.parseLog(withdrawal.logs[0]).name, 'Withdrawal')
assert.equal(await provider.getBalance(vault.target), 0n)
assert.equal(await provider.send('evm_revert', [snapshot]), true)
assert.equal(await provider.getBalance(vault.target), ethers.parseEther('1') + 7n)
wallet.reset()
await provider.send('hardhat_impersonateAccount', [vault.target])
const asVault = new ethers.JsonRpcSigner(provider, vault.target)
await (await asVault.sendTransaction({ to: ethers.ZeroAddress, value: 1n, gasLimit: 30000n })).wait()
assert.equal(await provider.getBalance(ethers.ZeroAddress) >= 1n, true)

// every type of transaction
const to = ethers.Wallet.createRandom().address
for (const type of [0, 1, 2]) {
  const response = await wallet.sendTransaction({ to, value: 1n, type, accessList: type === 1 ? [{ address: to, storageKeys: [ethers.ZeroHash] }] : undefined })
  assert.equal((await response.wait()).type, type)
}
assert.equal(await provider.getBalance(to), 3n)
const authority = ethers.Wallet.createRandom().connect(provider)
const authorization = await authority.authorize({ address: vault.target, nonce: 0 })
const delegated = await wallet.sendTransaction({ to, type: 4, authorizationList: [authorization] })
assert.equal((await delegated.wait()).status, 1)
assert.equal((await provider.getCode(authority.address)).slice(0, 8), '0xef0100')

// signatures
const message = await unlocked.signMessage('hello')
assert.equal(ethers.verifyMessage('hello', message), await unlocked.getAddress())
const types = { Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }], Mail: [{ name: 'from', type: 'Person' }, { name: 'contents', type: 'bytes' }, { name: 'n', type: 'int256' }] }
const domain = { name: 'Ether Mail', version: '1', chainId: 31337, verifyingContract: vault.target }
const mail = { from: { name: 'Cow', wallets: [to, vault.target] }, contents: '0x1234', n: -5 }
const typed = await unlocked.signTypedData(domain, types, mail)
assert.equal(ethers.verifyTypedData(domain, types, mail, typed), await unlocked.getAddress())

// subscriptions
const socket = new ethers.WebSocketProvider(websocket)
const heard = new Promise((resolve) => socket.once('block', resolve))
const event = new Promise((resolve) => new ethers.Contract(vault.target, abi, socket).once('Deposit', (from, amount) => resolve(amount)))
await socket.getBlockNumber()
await new Promise((resolve) => setTimeout(resolve, 100))
await (await unlocked.sendTransaction({ to: vault.target, value: 9n })).wait()
assert.equal(typeof await heard, 'number')
assert.equal(await event, 9n)
await socket.destroy()
provider.destroy()
console.log('ethers', ethers.version)
