// The bytes of text that each token stands for: what offsets, streaming and the space convention are worked out from.

/** What of a tokenizer.json says how its tokens are spelled. */
export interface Spelling {
  readonly added_tokens: readonly { readonly id: number }[];
  readonly pre_tokenizer?: unknown;
  readonly decoder?: unknown;
  readonly model: {
    readonly type?: string | undefined;
    readonly byte_fallback?: boolean | null | undefined;
    readonly continuing_subword_prefix?: unknown;
  };
}

/**
 * GPT-2's reversible spelling of bytes as visible characters: printable Latin-1 stands for itself, the other 68 bytes are
 * numbered upwards from U+0100 in order.
 */
function byteOfCharacter(): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  let shifted = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCodePoint(visible ? byte : shifted++), byte);
  }
  return bytes;
}

interface Part {
  readonly type: string;
  readonly replacement?: unknown;
  readonly decoders?: unknown;
  readonly pretokenizers?: unknown;
}

/** The part of that type, in a pipeline that may be a Sequence. */
function findPart(part: unknown, type: string): Part | undefined {
  if (typeof part !== 'object' || part === null || !('type' in part)) return undefined;
  const found = part as Part;
  if (found.type === type) return found;
  const children = found.decoders ?? found.pretokenizers;
  if (!Array.isArray(children)) return undefined;
  for (const child of children) {
    const inner = findPart(child, type);
    if (inner) return inner;
  }
  return undefined;
}

/**
 * Makes the map from id to UTF-8 bytes: byte-level vocabularies spell every byte, sentencepiece-style ones spell a space
 * as U+2581 and rare bytes as `<0xE2>`, WordPiece marks what goes on with a word; added tokens are literal text.
 */
export function makeTokenBytes(
  json: Spelling,
  idToToken: (id: number) => string | undefined,
): (id: number) => Uint8Array {
  const literal = new Set(json.added_tokens.map((token) => token.id));
  const byteLevel = findPart(json.decoder, 'ByteLevel') ?? findPart(json.pre_tokenizer, 'ByteLevel');
  const spelled = byteLevel ? byteOfCharacter() : undefined;
  const metaspace = findPart(json.decoder, 'Metaspace') ?? findPart(json.pre_tokenizer, 'Metaspace');
  const mark = typeof metaspace?.replacement === 'string' ? metaspace.replacement : '\u2581';
  const byteFallback = json.model.byte_fallback === true || findPart(json.decoder, 'ByteFallback') !== undefined;
  const { type, continuing_subword_prefix: prefix } = json.model;
  const goesOn = type === 'WordPiece' && typeof prefix === 'string' ? prefix : undefined;
  return (id) => {
    const token = idToToken(id) ?? '';
    if (literal.has(id)) return Buffer.from(token);
    if (goesOn !== undefined) return Buffer.from(token.startsWith(goesOn) ? token.slice(goesOn.length) : token);
    if (spelled) {
      const bytes = Array.from(token, (character) => spelled.get(character));
      return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : Buffer.from(token);
    }
    if (byteFallback && /^<0x[0-9A-F]{2}>$/.test(token)) return Uint8Array.of(Number.parseInt(token.slice(3, 5), 16));
    return Buffer.from(token.replaceAll(mark, ' '));
  };
}
