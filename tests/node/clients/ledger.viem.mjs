// viem against a ledger: contracts that send messages, what tests turn, traces, events.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createPublicClient, createTestClient, createWalletClient, http, parseEther, publicActions, walletActions, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

const { token, shop } = JSON.parse(readFileSync('contracts.json'))
const [url, websocket, secret] = process.argv.slice(2)
const client = createPublicClient({ chain: foundry, transport: http(url), pollingInterval: 50, cacheTime: 0 })
const account = privateKeyToAccount(secret)
const wallet = createWalletClient({ account, chain: foundry, transport: http(url) })
const test = createTestClient({ chain: foundry, mode: 'anvil', transport: http(url) }).extend(publicActions).extend(walletActions)
const done = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  return receipt
}
const deploy = async ({ abi, bytecode }, args) => (await done(await wallet.deployContract({ abi, bytecode, args }))).contractAddress

// a shop awaits a token
const coin = { abi: token.abi, address: await deploy(token, [1000n]) }
const seller = { abi: shop.abi, address: await deploy(shop, [coin.address, 3n]) }
await done(await wallet.writeContract({ ...coin, functionName: 'approve', args: [seller.address, 100n] }))
const { result } = await client.simulateContract({ ...seller, functionName: 'buy', args: [2n], account })
assert.equal(result, 2n)
const id = await test.snapshot()
const bought = await done(await wallet.writeContract({ ...seller, functionName: 'buy', args: [5n] }))
assert.equal(await client.readContract({ ...coin, functionName: 'balanceOf', args: [seller.address] }), 15n)
assert.equal(await client.readContract({ ...coin, functionName: 'balanceOf', args: [seller.address], blockNumber: bought.blockNumber - 1n }), 0n)
const frame = await client.request({ method: 'debug_traceTransaction', params: [bought.transactionHash, { tracer: 'callTracer' }] })
assert.deepEqual([frame.type, frame.calls[0].type, frame.calls[0].calls[0].type], ['CALL', 'CALL', 'REPLY'])
assert.equal(BigInt(frame.output), 5n)
await test.revert({ id })
assert.equal(await client.readContract({ ...coin, functionName: 'balanceOf', args: [seller.address] }), 0n)

// errors
const [, other] = await test.getAddresses()
await assert.rejects(client.simulateContract({ ...coin, functionName: 'transfer', args: [account.address, 5n], account: other }), (e) =>
  e.walk((x) => x.name === 'ContractFunctionRevertedError').data.errorName === 'Insufficient')

// time, balances, impersonation, mining, waiting
const { timestamp } = await client.getBlock()
await test.increaseTime({ seconds: 3600 })
await test.mine({ blocks: 3, interval: 10 })
assert.ok((await client.getBlock()).timestamp >= timestamp + 3600n)
const stranger = '0x00000000000000000000000000000000000000bb'
await test.setBalance({ address: stranger, value: parseEther('2') })
await test.impersonateAccount({ address: stranger })
const gift = await done(await test.sendTransaction({ account: stranger, to: other, value: 11n }))
assert.equal(gift.from, stranger)
await test.stopImpersonatingAccount({ address: stranger })
await assert.rejects(test.sendTransaction({ account: stranger, to: other, value: 11n }), /no key/)
await test.setAutomine(false)
const waiting = await wallet.sendTransaction({ to: other, value: 1n })
assert.equal((await test.getTxpoolStatus()).pending, 1)
await test.dropTransaction({ hash: waiting })
await test.setAutomine(true)
await test.setStorageAt({ address: coin.address, index: 0, value: '0x' + '7'.padStart(64, '0') })
assert.equal(await client.readContract({ ...coin, functionName: 'totalSupply' }), 7n)

// events over a WebSocket
const socket = createPublicClient({ chain: foundry, transport: webSocket(websocket) })
let heard
socket.watchContractEvent({ ...coin, eventName: 'Transfer', onLogs: ([log]) => { heard = log } })
for (let tries = 0; !heard && tries < 50; tries++) { // until the subscription has begun
  await done(await wallet.writeContract({ ...coin, functionName: 'transfer', args: [other, 9n] }))
  await new Promise((resolve) => setTimeout(resolve, 100))
}
assert.equal(heard.args.amount, 9n)
console.log('viem')
process.exit(0)
