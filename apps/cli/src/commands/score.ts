// errata score: log-probabilities of a text's tokens, or of ids, by a model. Needs no service.
import { ErrataError } from '@errata/contracts';
import type { Command } from 'commander';
import { baseOption, type GivenModel, modelOption } from '../arguments/model-source.ts';
import { wholeNumbers } from '../arguments/numbers.ts';
import { withModel } from '../local/model.ts';
import { table } from '../output/output.ts';

interface Options extends GivenModel {
  text?: string;
  ids?: readonly number[];
  json?: true;
}

export function register(program: Command): void {
  program
    .command('score')
    .description('log-probability of each token of a text, by a model')
    .addOption(modelOption().makeOptionMandatory())
    .addOption(baseOption())
    .option('--text <text>', 'the text')
    .option('--ids <ids>', 'token ids instead, as in 1,5,9; the model then needs no tokenizer', wholeNumbers)
    .option('--json', 'print {"ids", "logprobs"}')
    .action(async ({ text, ids, json, ...given }: Options, command: Command) => {
      if ((text === undefined) === (ids === undefined)) command.error('error: give either --text or --ids');
      await withModel(given, async ({ model, tokenizer }) => {
        const tokens = ids ?? textIds(tokenizer(), text!);
        const unknown = tokens.find((id) => id >= model.spec.vocab);
        if (unknown !== undefined) {
          throw new ErrataError(
            'invalid_token_id',
            `token ${unknown} is outside the vocabulary of ${model.spec.vocab}`,
          );
        }
        const [first, ...rest] = tokens;
        const scores = rest.length === 0 ? [] : await model.view().score([{ prompt: [first!], target: rest }]);
        const logprobs = Array.from(scores[0]?.logProbs ?? []);
        if (json) return console.log(JSON.stringify({ ids: tokens, logprobs }));
        const spelled = (id: number) => JSON.stringify(model.tokenizer?.idToToken(id) ?? '');
        const rows = tokens.map((id, i) => [id, spelled(id), i === 0 ? '-' : logprobs[i - 1]!.toFixed(4)]);
        console.log(table(['id', 'token', 'log-probability'], rows));
      });
    });
}

/** A text as the model reads it, with what its tokenizer puts in front. */
function textIds(
  tokenizer: { readonly prefixIds: readonly number[]; encode(text: string): number[] },
  text: string,
): number[] {
  const ids = [...tokenizer.prefixIds, ...tokenizer.encode(text)];
  if (ids.length === 0) throw new ErrataError('invalid_request', 'the text is empty');
  return ids;
}
