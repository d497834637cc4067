// A suite of Hardhat for contracts that send messages: fixtures that are reverted, time, traces.
const assert = require('node:assert/strict')
const hre = require('hardhat')
const { ethers } = require('ethers')
const made = require('../contracts.json')

describe('Shop', () => {
  const { provider: raw } = hre.network
  const provider = new ethers.BrowserProvider(raw, undefined, { cacheTimeout: -1, pollingInterval: 50 })
  let owner, other, token, shop, snapshot

  const deploy = async ({ abi, bytecode }, ...args) => {
    const found = await new ethers.ContractFactory(abi, bytecode, owner).deploy(...args)
    return found.waitForDeployment()
  }
  before(async () => {
    owner = await provider.getSigner(0)
    other = await provider.getSigner(1)
    token = await deploy(made.token, 1000n)
    shop = await deploy(made.shop, token.target, 3n)
    await (await token.approve(shop.target, 100n)).wait()
  })
  beforeEach(async () => { snapshot = await raw.send('evm_snapshot', []) })
  afterEach(async () => { assert.equal(await raw.send('evm_revert', [snapshot]), true) })

  it('awaits the token before it notes a purchase', async () => {
    const receipt = await (await shop.buy(5n)).wait()
    assert.equal(token.interface.parseLog(receipt.logs[0]).args.amount, 15n)
    assert.equal(await shop.bought_by(owner), 5n)
  })
  it('begins every test from the same state', async () => {
    assert.equal(await shop.bought_by(owner), 0n)
    assert.equal(await token.balanceOf(shop.target), 0n)
  })
  it('goes on behind the failure of what it asked', async () => {
    const receipt = await (await shop.connect(other).buy(5n)).wait()
    const trace = await raw.send('debug_traceTransaction', [receipt.hash, { tracer: 'callTracer' }])
    assert.deepEqual([trace.error, trace.calls[0].error, trace.calls[0].calls[0].type], [undefined, 'execution reverted', 'BOUNCE'])
    assert.equal(await shop.bought_by(other), 0n)
  })
  it('lets a test act for the contract, at another time', async () => {
    await raw.send('hardhat_setBalance', [shop.target, '0xde0b6b3a7640000'])
    await raw.send('hardhat_impersonateAccount', [shop.target])
    await (await token.transfer(shop.target, 9n)).wait()
    await raw.send('evm_setNextBlockTimestamp', [(await provider.getBlock('latest')).timestamp + 86400])
    await (await token.connect(new ethers.JsonRpcSigner(provider, shop.target)).transfer(other, 9n)).wait()
    assert.equal(await token.balanceOf(other), 9n)
    await raw.send('hardhat_mine', ['0x10', '0x3c'])
  })
})
