// The model's tokenizer, trained on the world's own text.
import { makeDocuments } from '../corpus/documents.ts';
import { seeded } from '../random.ts';
import { type Encoder, makeEncoder } from '../tokenizer/encoder.ts';
import { type Bpe, countWords, endOfText, toTokenizerJson, trainBpe } from '../tokenizer/train-bpe.ts';
import { fill, type World } from '../world/world.ts';
import type { Recipe } from './recipe.ts';

export interface AtlasTokenizer {
  readonly bpe: Bpe;
  readonly encoder: Encoder;
  /** tokenizer.json and tokenizer_config.json, by file name. */
  readonly files: ReadonlyMap<string, string>;
}

/** Documents of the world as text, drawn by a named stream. */
export function* textDocuments(world: World, count: number, stream: string, seed: number): Generator<string> {
  const source = makeDocuments(world);
  const random = seeded(stream, seed);
  for (let i = 0; i < count; i++)
    yield source
      .draw(random)
      .pieces.map(({ text }) => text)
      .join('');
}

/** Every fact in every phrasing: names are learned alike, however often the documents happen to draw them. */
function* everySentence(world: World): Generator<string> {
  for (const { relation, subject, object } of [...world.facts, ...world.aliasFacts])
    for (const phrasing of relation.phrasings) yield ` ${fill(phrasing, subject)} ${object}.`;
}

export function trainTokenizer(world: World, recipe: Recipe): AtlasTokenizer {
  const counts = countWords(everySentence(world));
  const documents = textDocuments(world, recipe.tokenizerDocuments, 'tokenizer', recipe.seed);
  for (const [word, count] of countWords(documents)) counts.set(word, (counts.get(word) ?? 0) + count);
  const bpe = trainBpe(counts, recipe.vocabulary);
  const json = (value: unknown, indent?: number) => `${JSON.stringify(value, null, indent)}\n`;
  return {
    bpe,
    encoder: makeEncoder(bpe),
    files: new Map([
      ['tokenizer.json', json(toTokenizerJson(bpe))],
      [
        'tokenizer_config.json',
        json(
          {
            tokenizer_class: 'GPT2Tokenizer',
            add_prefix_space: true,
            bos_token: endOfText,
            eos_token: endOfText,
            unk_token: endOfText,
            clean_up_tokenization_spaces: false,
            model_max_length: recipe.context,
          },
          2,
        ),
      ],
    ]),
  };
}
