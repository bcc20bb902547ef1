// BERT's WordPiece in its one old file, vocab.txt, as the document that transformers would convert it to.

import { type TokenizerDocument, tokenizerDocumentSchema } from '../tokenizer-document.ts';
import { check, malformed } from './parse.ts';

/** The names of the tokens that WordPiece cannot do without. */
export interface WordPieceNames {
  readonly unknown: string;
  readonly first: string;
  readonly last: string;
}

/**
 * The document that a vocab.txt stands for.
 * @param vocabText a token a line, its id being the number of the line
 * @throws ModelError tokenizer_malformed
 */
export function documentFromVocabTxt(vocabText: string, names: WordPieceNames, where: string): TokenizerDocument {
  const tokens = vocabText.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  while (tokens.at(-1) === '') tokens.pop();
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = (name: string): readonly [string, number] => {
    if (!Object.hasOwn(vocab, name)) throw malformed(where, `it has no line ${name}`);
    return [name, vocab[name]!];
  };
  const [unknown] = special(names.unknown);
  return check(
    tokenizerDocumentSchema,
    {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: { type: 'BertProcessing', cls: special(names.first), sep: special(names.last) },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: unknown,
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab,
      },
    },
    where,
  );
}
