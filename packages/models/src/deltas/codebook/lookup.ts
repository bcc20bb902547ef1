// A codebook in the forward graph: at the last token of a prompt the nearest key, if near enough, gives the output.

import {
  argMax,
  type Dim,
  float32,
  gather,
  gemm,
  input,
  lessOrEqual,
  mul,
  reduceSum,
  reshape,
  scatterRows,
  sqrt,
  square,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import type { Tap } from '../../architectures/decoder-graph.ts';
import type { ActivationReading, PromptInputs, Spoken } from '../reading.ts';
import { type CodebookDelta, type CodebookPlace, codebookKeySite, type Replacement, rowAddresses } from './rows.ts';
import { squaredNorms } from './squared-norms.ts';

const feedName = ({ site, layer }: CodebookPlace, part: string) => `${part}.${site}.${layer}`;

/** No distance is within it. */
const nowhere = -1;

/** How a codebook is read; null for one without rows. Its radii are told apart by the outputs that a row replaces. */
export function codebookReading(book: CodebookDelta): ActivationReading | null {
  const { site, layer, keySize, valueSize, keys, values, radii, replacements } = book;
  const n = radii.length;
  if (n === 0) return null;
  const onPrompt = replacements.includes('prompt');
  const radiiOf = (acting: Replacement) =>
    float32(
      [n],
      radii.map((radius, row) => (replacements[row] === acting ? radius : nowhere)),
    );
  return {
    at: 'activation',
    layer,
    graph: `${site}.${layer}${onPrompt ? ' on prompts' : ''}`,
    tap: (prompts) => codebookTap({ site, layer }, onPrompt, prompts),
    feeds: {
      [feedName(book, 'keys')]: float32([n, keySize], keys),
      [feedName(book, 'squares')]: float32([1, n], squaredNorms(keys, keySize)),
      [feedName(book, 'values')]: float32([n, valueSize], values),
      [feedName(book, 'radii')]: radiiOf('last'),
      ...(onPrompt ? { [feedName(book, 'prompt_radii')]: radiiOf('prompt') } : {}),
    },
    speaking: { key: { site: codebookKeySite[site], layer }, row: (key) => rowWithin(book, key) },
  };
}

/** The row nearest to a key, if the key lies within its radius: its distance, and its radius, up to which it acts. */
function rowWithin(book: CodebookDelta, key: Float32Array): Spoken | null {
  const { keys, radii, keySize } = book;
  let nearest = { row: -1, squared: Number.POSITIVE_INFINITY };
  for (let row = 0; row < radii.length; row++) {
    let squared = 0;
    for (let i = 0; i < keySize; i++) squared += (keys[row * keySize + i]! - key[i]!) ** 2;
    if (squared < nearest.squared) nearest = { row, squared };
  }
  const [score, threshold] = [Math.sqrt(nearest.squared), radii[nearest.row]!];
  return score <= threshold ? { row: rowAddresses(book)[nearest.row]!, score, threshold } : null;
}

/** @param onPrompt whether rows of it replace more than the last output of a prompt */
function codebookTap(book: CodebookPlace, onPrompt: boolean, prompts: PromptInputs): Tap {
  let query: Tensor | undefined;
  return (site, layer, activation) => {
    if (layer !== book.layer) return activation;
    if (site === codebookKeySite[book.site]) query = activation;
    return site === book.site ? lookUp(book, onPrompt, prompts, query!, activation) : activation;
  };
}

/**
 * Replaces a site's output at some rows by the value of the nearest key within its radius. The nearest key is found by
 * 2q·k - |k|², one Gemm over all keys; the distance that is held against the radius is then computed from the difference,
 * which does not cancel. A row without a hit is written back as it was.
 */
function lookUp(
  book: CodebookPlace,
  onPrompt: boolean,
  { last, before, of }: PromptInputs,
  query: Tensor,
  output: Tensor,
): Tensor {
  const n: Dim = `n_${book.site}_${book.layer}`;
  const keys = input(feedName(book, 'keys'), 'float32', [n, query.dims[1]!]);
  const values = input(feedName(book, 'values'), 'float32', [n, output.dims[1]!]);
  const asked = gather(query, last);
  const squares = input(feedName(book, 'squares'), 'float32', [1, n]);
  const closeness = sub(mul(gemm(asked, keys, { transB: true }), 2), squares);
  const nearest = argMax(closeness);
  const distance = sqrt(reduceSum(square(sub(asked, gather(keys, nearest))), [1]));
  const value = gather(values, nearest);
  const hits = (radii: string) => lessOrEqual(distance, gather(input(feedName(book, radii), 'float32', [n]), nearest));
  const put = (into: Tensor, at: Tensor, hit: Tensor, found: Tensor) =>
    scatterRows(into, at, where(reshape(hit, [at.dims[0]!, 1]), found, gather(into, at)));
  const acted = put(output, last, hits('radii'), value);
  if (!onPrompt) return acted;
  return put(acted, before, gather(hits('prompt_radii'), of), gather(value, of));
}
