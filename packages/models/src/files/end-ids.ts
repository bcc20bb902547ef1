// The tokens that end what a model writes, by all that its files say.

import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { generationConfigName } from './companions.ts';
import { parseFileJson } from './file-json.ts';

const schema = z.looseObject({
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});

/**
 * Ids at each of which a text ends: the tokenizer's, and those that config.json and generation_config.json give, one or several. Models that
 * talk end their turns with one of the latter.
 * @throws ModelError checkpoint_config_malformed for a generation_config.json that is none
 */
export function endIds(checkpoint: Checkpoint): readonly number[] {
  const { config, tokenizer, companionFiles } = checkpoint;
  const said = companionFiles.includes(generationConfigName) ? readGenerationConfig(checkpoint) : {};
  const all = [tokenizer?.eosId, config.eos_token_id, said.eos_token_id].flat();
  return [...new Set(all)].filter((id) => typeof id === 'number');
}

function readGenerationConfig({ directory, readCompanion }: Checkpoint): z.infer<typeof schema> {
  const where = join(directory, generationConfigName);
  const refuse = (what: string, cause?: unknown) =>
    new ModelError('checkpoint_config_malformed', {
      where,
      what,
      hint: 'Use the file that transformers saves with the model, or leave it out',
      cause,
    });
  let json: unknown;
  try {
    json = parseFileJson(Buffer.from(readCompanion(generationConfigName)).toString('utf8'));
  } catch (cause) {
    throw refuse(`it is not JSON that can be read (${(cause as Error).message})`, cause);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw refuse(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}
