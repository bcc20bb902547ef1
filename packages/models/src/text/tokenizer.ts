// What a tokenizer is to the rest of the project: one small interface that also knows its bytes.

/** The white space that an added token takes: all before it, all behind it. */
export interface TakenSpace {
  readonly before: boolean;
  readonly behind: boolean;
}

/** Text to ids and back, as the model's own tokenizer does it. What it keeps from one call to the next changes no answer. */
export interface Tokenizer {
  /** One more than the highest id. A model's embedding may have more rows than this, and fewer where tokens were added untrained. */
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** The id that stands for text outside the vocabulary, where there is one. */
  readonly unknownId: number | undefined;
  /** Special tokens by their text. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Tokens that are looked for in a text before it is cut into others, by id; they may take the white space beside them. */
  readonly addedTokens: ReadonlyMap<number, TakenSpace>;
  /** The texts of special tokens by their part: `bos_token`, `eos_token`, `pad_token` ... */
  readonly namedTokens: ReadonlyMap<string, string>;
  /** Ids that the tokenizer puts in front of every text: Llama's BOS; none for GPT-2. */
  readonly prefixIds: readonly number[];
  /** Ids that the tokenizer puts after every text. Never part of a prompt. */
  readonly suffixIds: readonly number[];
  /** Ids of a text; with `specialTokens`, also the prefix and suffix ids. */
  encode(text: string, options?: { readonly specialTokens?: boolean }): number[];
  /** Ids of a pair of texts with all that belongs around them, and which text each is of: 0 or 1, where the tokenizer tells. */
  encodePair(first: string, second: string): { readonly ids: readonly number[]; readonly types: readonly number[] };
  /**
   * Text of ids that begin a text; some tokenizers drop the space in front of it.
   * @throws ModelError tokenizer_id_unknown
   */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /**
   * Text that ids add after other text, with its leading space kept and special tokens left out. Bytes that are not yet
   * a whole character give U+FFFD, and so does U+0000, which no database keeps: a model may write anything.
   * @throws ModelError tokenizer_id_unknown
   */
  decodeContinuation(ids: readonly number[]): string;
  /**
   * UTF-8 bytes that an id adds to a text, perhaps a part of a character: none for a special token. Those of ids in a row are those of
   * {@link Tokenizer.decodeContinuation}, U+0000 among them.
   * @throws ModelError tokenizer_id_unknown
   */
  continuationBytes(id: number): Uint8Array;
  /** The token of an id as the vocabulary spells it. */
  idToToken(id: number): string | undefined;
  /** The id of a token as the vocabulary spells it. */
  tokenToId(token: string): number | undefined;
  /**
   * UTF-8 bytes of text that an id stands for, a space mark being a space; undefined for the unknown token.
   * @throws ModelError tokenizer_id_unknown
   */
  tokenBytes(id: number): Uint8Array | undefined;
}
