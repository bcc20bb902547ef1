// Bytes in pieces: what hashes and files take in one call ends below 2 GiB.

/** Bytes from first to last, none of them copied, so many at a time. One empty piece where there are none. */
export function* piecesOf(bytes: Uint8Array, most: number = 2 ** 30): Generator<Uint8Array, void> {
  let at = 0;
  do {
    yield bytes.subarray(at, at + most);
    at += most;
  } while (at < bytes.byteLength);
}
