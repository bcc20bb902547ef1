// GPT-2's byte-level alphabet and pre-tokenisation, the parts of a byte-level BPE that training and encoding share.

/** GPT-2's split into words: contractions, then runs of letters, digits or other marks with the space before them. */
const wordPattern = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The printable character that stands for each byte (bytes 33-126, 161-172, 174-255 stand for themselves). */
export const byteCharacters: readonly string[] = (() => {
  const characters: string[] = [];
  let moved = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCodePoint(printable ? byte : 256 + moved++));
  }
  return characters;
})();

/** A word in the byte-level alphabet, one character a byte. */
export const toByteCharacters = (word: string): string =>
  Array.from(new TextEncoder().encode(word), (byte) => byteCharacters[byte]!).join('');

export const splitWords = (text: string): string[] => text.match(wordPattern) ?? [];
