// viem against the node: public, wallet and test clients, simulation, events, WebSocket.
import assert from 'node:assert/strict'
import { createPublicClient, createTestClient, createWalletClient, http, parseEther, publicActions, walletActions, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { abi, bytecode } from './compile.mjs'

const [url, websocket, secret] = process.argv.slice(2)
const client = createPublicClient({ chain: foundry, transport: http(url), pollingInterval: 50, cacheTime: 0 })
const account = privateKeyToAccount(secret)
const wallet = createWalletClient({ account, chain: foundry, transport: http(url) })
const test = createTestClient({ chain: foundry, mode: 'anvil', transport: http(url) }).extend(publicActions).extend(walletActions)
assert.equal(await client.getChainId(), 31337)

const { timestamp } = await client.getBlock()
const hash = await wallet.deployContract({ abi, bytecode, args: [timestamp + 3600n], value: parseEther('1') })
const { contractAddress: address } = await client.waitForTransactionReceipt({ hash })
assert.equal(await client.readContract({ abi, address, functionName: 'unlockTime' }), timestamp + 3600n)

// errors
await assert.rejects(client.simulateContract({ abi, address, functionName: 'withdraw', account }), (e) =>
  e.walk((x) => x.name === 'ContractFunctionRevertedError').data.errorName === 'TooEarly')
const [, other] = await test.getAddresses()
await assert.rejects(client.simulateContract({ abi, address, functionName: 'withdraw', account: other }), (e) =>
  e.shortMessage.includes("You aren't the owner"))
await assert.rejects(client.estimateGas({ account: '0x00000000000000000000000000000000000000aa', to: address, value: 1n }), (e) => /insufficient funds|exceeds the balance/.test(e.details + e.shortMessage))

// state overrides, fees, proofs, access lists
const made = await client.readContract({ abi, address, functionName: 'unlockTime', stateOverride: [{ address, stateDiff: [{ slot: '0x' + '0'.repeat(64), value: '0x' + '5'.padStart(64, '0') }] }] })
assert.equal(made, 5n)
const fees = await client.estimateFeesPerGas()
assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas)
const proof = await client.getProof({ address, storageKeys: ['0x' + '0'.repeat(64)] })
assert.equal(proof.storageProof[0].value, timestamp + 3600n)
const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
const { accessList } = await client.createAccessList({ to: address, data: '0x251c1aa3' })
assert.deepEqual(accessList.map((a) => a.storageKeys.length), [1])

// the test client: time, balances, impersonation, mining, snapshots
const id = await test.snapshot()
await test.increaseTime({ seconds: 3600 })
await test.mine({ blocks: 3, interval: 10 })
await test.setBalance({ address: other, value: parseEther('5') })
assert.equal(await client.getBalance({ address: other }), parseEther('5'))
await test.setNextBlockBaseFeePerGas({ baseFeePerGas: 7n })
const done = await wallet.writeContract({ abi, address, functionName: 'withdraw' })
const receipt = await client.waitForTransactionReceipt({ hash: done })
assert.equal(receipt.status, 'success')
assert.equal((await client.getBlock({ blockNumber: receipt.blockNumber })).baseFeePerGas, 7n)
await test.revert({ id })
assert.equal(await client.getBalance({ address }), parseEther('1'))
const stranger = '0x00000000000000000000000000000000000000bb'
await test.setBalance({ address: stranger, value: parseEther('2') })
await test.impersonateAccount({ address: stranger })
const gift = await test.sendTransaction({ account: stranger, to: address, value: 11n })
assert.equal((await client.waitForTransactionReceipt({ hash: gift })).status, 'success')
await test.stopImpersonatingAccount({ address: stranger })
await test.setAutomine(false)
const waiting = await wallet.sendTransaction({ to: other, value: 1n })
assert.equal((await test.getTxpoolStatus()).pending, 1)
assert.equal(await client.getTransactionCount({ address: account.address, blockTag: 'pending' }), await client.getTransactionCount({ address: account.address }) + 1)
await test.dropTransaction({ hash: waiting })
await test.setAutomine(true)
await test.setStorageAt({ address, index: 0, value: '0x' + '1'.padStart(64, '0') })
assert.equal(await client.readContract({ abi, address, functionName: 'unlockTime' }), 1n)

// events over a WebSocket
const socket = createPublicClient({ chain: foundry, transport: webSocket(websocket) })
const log = new Promise((resolve) => socket.watchContractEvent({ abi, address, eventName: 'Deposit', onLogs: ([l]) => resolve(l) }))
const block = new Promise((resolve) => socket.watchBlocks({ onBlock: resolve }))
await new Promise((resolve) => setTimeout(resolve, 200))
await client.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to: address, value: 3n }) })
assert.equal((await log).args.amount, 3n)
assert.equal(typeof (await block).number, 'bigint')
const logs = await client.getContractEvents({ abi, address, eventName: 'Deposit', fromBlock: 0n })
assert.deepEqual(logs.map((l) => l.args.amount), [11n, 3n])
console.log('viem')
process.exit(0)
