// Every encoding of a point of small order on Curve25519 and its twist: X25519 of any private key
// with one of them is all zero. The highest bit is ignored (RFC 7748 section 5), so each comes with
// and without it. Source: https://cr.yp.to/ecdh.html, "How do I validate Curve25519 public keys?".

const CANONICAL = [
  // 0, of order 4.
  '0000000000000000000000000000000000000000000000000000000000000000',
  // 1, of order 4.
  '0100000000000000000000000000000000000000000000000000000000000000',
  // Two of order 8.
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  // p - 1, of order 2 on the twist.
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  // p and p + 1: 0 and 1, not reduced.
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

export const SMALL_ORDER: readonly Uint8Array[] = CANONICAL.flatMap((hex) => {
  const point = Uint8Array.fromHex(hex)
  const high = new Uint8Array(point)
  high[31] = (high[31] ?? 0) | 0x80
  return [point, high]
})
