// adapter_config.json of PEFT: what a LoRA adapter is scaled by and meant for, and the refusal of what is not merged.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ModelError } from '../../errors.ts';
import { parseFileJson } from '../../files/file-json.ts';

const count = z.number().int().positive();

const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: count,
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  rank_pattern: z.record(z.string(), count).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});

/** What an adapter's configuration says, as far as merging it goes. */
export type AdapterConfig = z.output<typeof schema>;

/** Options of PEFT under which a merged weight is another than W + scale B A, and what they are called. */
const refusedOptions: Readonly<Record<string, string>> = {
  use_dora: 'DoRA',
  use_qalora: 'QA-LoRA',
  use_bdlora: 'block-diagonal LoRA',
  layer_replication: 'layers that are used more than once',
  target_parameters: 'changes of single parameters',
  trainable_token_indices: 'single rows of the embedding',
  alora_invocation_tokens: 'activated LoRA, which works from some token on',
  arrow_config: 'Arrow, which chooses among adapters',
  kasa_config: 'KaSA',
  monteclora_config: 'MonteCLoRA',
  velora_config: 'VeLoRA',
};

/** Beginnings of A and B that leave the base as it is. Others take what they begin with out of the base, which is then another model. */
const plainBeginnings: readonly unknown[] = [true, false, null, undefined, 'gaussian', 'eva', 'orthogonal'];

/** @throws ModelError adapter_unsupported */
export function refuseAdapter(
  where: string,
  what: string,
  hint = 'Merge it with PEFT: merge_and_unload, then save_pretrained',
): never {
  throw new ModelError('adapter_unsupported', { where, what, hint });
}

const isSet = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  !(typeof value === 'object' && Object.keys(value).length === 0);

/**
 * Reads adapter_config.json.
 * @throws ModelError adapter_config_malformed, adapter_unsupported
 */
export function readAdapterConfig(path: string): AdapterConfig {
  const malformed = (what: string, cause?: unknown): never => {
    throw new ModelError('adapter_config_malformed', {
      where: path,
      what,
      hint: 'Use the file that PEFT saves with the adapter',
      cause,
    });
  };
  let json: unknown;
  try {
    json = parseFileJson(readFileSync(path, 'utf8'));
  } catch (cause) {
    return malformed(`it is not JSON that can be read (${(cause as Error).message})`, cause);
  }
  const kind = z.looseObject({ peft_type: z.string() }).safeParse(json);
  if (!kind.success) return malformed('it has no peft_type');
  if (kind.data.peft_type !== 'LORA') refuseAdapter(path, `the adapter is ${kind.data.peft_type}; LORA is merged`);
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return malformed(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
  }
  const config = parsed.data;
  for (const [option, called] of Object.entries(refusedOptions)) {
    if (isSet(config[option])) refuseAdapter(path, `${option} is set: ${called} is not merged`);
  }
  if (!plainBeginnings.includes(config.init_lora_weights)) {
    refuseAdapter(
      path,
      `init_lora_weights is ${JSON.stringify(config.init_lora_weights)}, which changes the base model when it begins`,
      'Save the adapter as plain LoRA (path_initial_model_for_weight_conversion), or merge it with PEFT',
    );
  }
  return config;
}

/**
 * What B A is multiplied by for a module: alpha / r, or alpha / sqrt(r) (rank-stabilised LoRA, Kalajdzievski 2023). The patterns name
 * modules by the end of their path.
 * @param rank rows of A
 * @throws ModelError adapter_config_malformed, where the configuration says another rank
 */
export function scaleOf(config: AdapterConfig, where: string, module: string, rank: number): number {
  const said = ofPattern(config.rank_pattern, where, module) ?? config.r;
  if (said !== rank) {
    throw new ModelError('adapter_config_malformed', {
      where,
      what: `${module} has rank ${rank}, and the configuration says ${said}`,
      hint: 'Configuration and weights are of different adapters: use those that were saved together',
    });
  }
  const alpha = ofPattern(config.alpha_pattern, where, module) ?? config.lora_alpha;
  return alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
}

/** As PEFT reads its patterns: regular expressions for a whole path or its last parts, of which the first that fits counts. */
function ofPattern(
  patterns: Readonly<Record<string, number>> | null | undefined,
  where: string,
  module: string,
): number | undefined {
  for (const [pattern, value] of Object.entries(patterns ?? {})) {
    let expression: RegExp;
    try {
      expression = new RegExp(`^(.*\\.)?(${pattern})$`);
    } catch (cause) {
      throw new ModelError('adapter_config_malformed', {
        where,
        what: `${JSON.stringify(pattern)} is no regular expression that is understood here`,
        hint: 'Name modules in rank_pattern and alpha_pattern by the ends of their paths',
        cause,
      });
    }
    if (expression.test(module)) return value;
  }
  return undefined;
}
