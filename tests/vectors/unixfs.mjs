// Makes unixfs.json with the reference implementation of UnixFS in JavaScript:
//     npm install ipfs-unixfs-importer@17.1.1 blockstore-core@7.0.1 && node unixfs.mjs > unixfs.json
// Content is a stream (SHA-256 of "numen" and a counter of four bytes, joined) or zeros.
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { MemoryBlockstore } from 'blockstore-core'
import { createHash } from 'node:crypto'

function stream (size) {
  const parts = []
  for (let i = 0; i * 32 < size; i++) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(i)
    parts.push(createHash('sha256').update(Buffer.concat([Buffer.from('numen'), counter])).digest())
  }
  return Buffer.concat(parts).subarray(0, size)
}

const K = 262144
const CASES = [
  ...[0, 1, 12, 1000, K - 1, K, K + 1, 2 * K, 5 * K + 17, 20 * K].map(n => ['stream', n, K, 174]),
  ...[174 * K, 174 * K + 1, 200 * K].map(n => ['zeros', n, K, 174]),
  ...[40, 300, 1000, 1001, 30300].map(n => ['stream', n, 10, 5])
]
const out = []
for (const [content, size, chunk, links] of CASES) {
  const data = content === 'zeros' ? new Uint8Array(size) : stream(size)
  const options = {
    cidVersion: 1,
    rawLeaves: true,
    chunker: fixedSize({ chunkSize: chunk }),
    layout: balanced({ maxChildrenPerNode: links })
  }
  for await (const file of importer([{ content: data }], new MemoryBlockstore(), options)) {
    out.push({ content, size, chunk, links, cid: file.cid.toString() })
  }
}
console.log(JSON.stringify(out, null, 1))
