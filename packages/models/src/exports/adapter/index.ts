// A version as a LoRA adapter of PEFT: the change of each linear map as a product, scaled by one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecoderSpec } from '../../architectures/spec.ts';
import { findMatrix } from '../../architectures/spec.ts';
import type { CheckpointConfig } from '../../files/checkpoint.ts';
import { floatDtypes } from '../../files/checkpoint-write.ts';
import { type WritableTensor, writeSafetensors } from '../../files/safetensors.ts';
import { changedParameters, type ExportForm, refuseExport } from '../form.ts';
import { type Factored, factorsOf } from './factors.ts';

export const adapterForm: ExportForm = {
  async write(directory, version, { dtype, rank }) {
    const { model, view, base, checkpoint } = version;
    const { spec } = model;
    const names = changedParameters(version);
    if (names.length === 0)
      refuseExport('the version', 'no weight of it differs from the imported model', 'Export another version');
    for (const tensor of names) requireMap(spec, tensor);
    const tensors = new Map<string, WritableTensor>();
    const modules: Module[] = [];
    for (const tensor of names) {
      const matrix = findMatrix(spec, tensor)!;
      const factored = await factorsOf(matrix, tensor, { from: model.view(), to: view, rank });
      if (factored.rank === 0) continue;
      const module = moduleName(tensor, checkpoint.config, checkpoint.tensors.names);
      const { down, up } = factored;
      tensors.set(`base_model.model.${module}.lora_A.weight`, { shape: [factored.rank, matrix.inSize], data: down });
      tensors.set(`base_model.model.${module}.lora_B.weight`, { shape: [matrix.outSize, factored.rank], data: up });
      modules.push({ module, ...told(factored) });
    }
    if (modules.length === 0) refuseExport('the version', 'its changes add up to nothing', 'Export another version');
    writeSafetensors(join(directory, 'adapter_model.safetensors'), tensors, {
      dtype: floatDtypes[dtype as keyof typeof floatDtypes],
      metadata: { format: 'pt' },
    });
    const config = adapterConfig(
      base,
      modules,
      spec.over ? 'SEQ_2_SEQ_LM' : 'CAUSAL_LM',
      names.some((name) => findMatrix(spec, name)!.orientation === 'in_out'),
    );
    writeFileSync(join(directory, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`, { flush: true });
    return { modules, remarks: remarksOn(modules) };
  },
};

const told = ({ rank, fullRank, norm, error }: Factored) => ({
  rank,
  full_rank: fullRank,
  norm,
  relative_error: norm === 0 ? 0 : error / norm,
});

type Module = ReturnType<typeof told> & { readonly module: string };

/** @throws ModelError export_unsupported */
function requireMap(spec: DecoderSpec, tensor: string): void {
  if (findMatrix(spec, tensor) === undefined || tensor === spec.tokenEmbedding)
    refuseExport(
      tensor,
      'the version changes it, and it is no linear map that LoRA has',
      'Export the version as a checkpoint or a diff',
    );
}

/** What stands before every module of a decoder in transformers, where published files may leave it out. */
const prefixes: Readonly<Record<string, string>> = {
  gpt2: 'transformer.',
  gptj: 'transformer.',
  gpt_neox: 'gpt_neox.',
  t5: '',
};

/** The path of the module that holds a weight. */
function moduleName(tensor: string, { model_type }: CheckpointConfig, names: readonly string[]): string {
  const module = tensor.replace(/\.weight$/, '');
  const prefix = prefixes[model_type] ?? 'model.';
  const bare = names.every((name) => !name.startsWith(prefix) && !name.startsWith('language_model.'));
  return bare && !/^(lm_head|embed_out)$/.test(module) ? prefix + module : module;
}

/** As PEFT reads it: the first that fits counts, and a module's own scale is alpha over rank. */
function adapterConfig(base: string, modules: readonly Module[], taskType: string, fanInFanOut: boolean) {
  const most = Math.max(...modules.map(({ rank }) => rank));
  const others = modules.filter(({ rank }) => rank !== most);
  const ranks = Object.fromEntries(others.map(({ module, rank }) => [module.replaceAll('.', '\\.'), rank]));
  return {
    peft_type: 'LORA',
    task_type: taskType,
    base_model_name_or_path: base,
    inference_mode: true,
    r: most,
    lora_alpha: most,
    rank_pattern: ranks,
    alpha_pattern: ranks,
    target_modules: modules.map(({ module }) => module),
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: fanInFanOut,
    init_lora_weights: true,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
  };
}

function remarksOn(modules: readonly Module[]): readonly string[] {
  const cut = modules.filter(({ rank, full_rank }) => rank < full_rank);
  if (cut.length === 0) return [];
  const total = (of: (module: Module) => number) =>
    Math.sqrt(modules.reduce((sum, module) => sum + of(module) ** 2, 0));
  const lost = total(({ relative_error, norm }) => relative_error * norm) / total(({ norm }) => norm);
  return [
    `The changes of ${cut.length} of ${modules.length} linear maps are cut to a lower rank: ${(100 * lost).toPrecision(3)} % of the whole change is lost (Frobenius norm)`,
  ];
}
