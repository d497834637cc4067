// What Hardhat's own sample tests of its vault ask, through ethers and Hardhat's provider.
const assert = require('node:assert/strict')
const hre = require('hardhat')
const { ethers } = require('ethers')

describe('Vault', () => {
  const provider = new ethers.BrowserProvider(hre.network.provider, undefined, { cacheTimeout: -1, pollingInterval: 50 })
  let vault, owner, other, unlockTime, snapshot

  before(async () => {
    owner = await provider.getSigner(0)
    other = await provider.getSigner(1)
    const artifact = await hre.artifacts.readArtifact('Vault')
    unlockTime = (await provider.getBlock('latest')).timestamp + 365 * 24 * 3600
    const factory = new ethers.ContractFactory(artifact.abi, artifact.bytecode, owner)
    vault = await factory.deploy(unlockTime, { value: 1_000_000_000n })
    await vault.waitForDeployment()
  })
  beforeEach(async () => { snapshot = await hre.network.provider.send('evm_snapshot', []) })
  afterEach(async () => { assert.equal(await hre.network.provider.send('evm_revert', [snapshot]), true) })

  it('sets the right time, owner and funds', async () => {
    assert.equal(await vault.unlockTime(), BigInt(unlockTime))
    assert.equal(await vault.owner(), await owner.getAddress())
    assert.equal(await provider.getBalance(vault.target), 1_000_000_000n)
  })
  it('reverts if it is called too soon', async () => {
    await assert.rejects(vault.withdraw(), (e) => e.data.startsWith(ethers.id('TooEarly(uint256)').slice(0, 10)))
  })
  it('reverts if another account calls', async () => {
    await hre.network.provider.send('evm_setNextBlockTimestamp', [unlockTime])
    await assert.rejects(vault.connect(other).withdraw(), /You aren't the owner/)
  })
  it('gives the funds to the owner, with an event', async () => {
    await hre.network.provider.send('evm_setNextBlockTimestamp', [unlockTime])
    await hre.network.provider.send('evm_mine', [])
    const receipt = await (await vault.withdraw()).wait()
    const event = vault.interface.parseLog(receipt.logs[0])
    assert.deepEqual([event.name, event.args[0]], ['Withdrawal', 1_000_000_000n])
    assert.equal(await provider.getBalance(vault.target), 0n)
  })
  it('lets hardhat_ set what a test needs', async () => {
    const { provider: raw } = hre.network
    await raw.send('hardhat_setBalance', [vault.target, '0x5'])
    await raw.send('hardhat_setNonce', [await other.getAddress(), '0x99'])
    await raw.send('hardhat_setCode', ['0x00000000000000000000000000000000000000cc', '0x6001'])
    await raw.send('hardhat_mine', ['0x64', '0x3c'])
    assert.equal(await provider.getBalance(vault.target), 5n)
    assert.equal(await provider.getTransactionCount(await other.getAddress()), 0x99)
    assert.equal(await provider.getCode('0x00000000000000000000000000000000000000cc'), '0x6001')
  })
})
