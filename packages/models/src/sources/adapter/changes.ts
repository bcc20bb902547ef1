// The tensors of a LoRA adapter by what they do to which tensor of the base.

import { ModelError } from '../../errors.ts';
import type { CheckpointTensors } from '../../files/checkpoint-tensors.ts';
import type { SafetensorsFile } from '../../files/safetensors.ts';
import type { ComputedTensor } from '../computed.ts';
import { type AdapterConfig, refuseAdapter, scaleOf } from './config.ts';
import { addChange, changedShape, type LowRankChange } from './merge.ts';

/** What an adapter has for one module. */
interface ModuleParts {
  down?: ComputedTensor;
  up?: ComputedTensor;
  /** Added to the bias, by the scale of the product. */
  upBias?: ComputedTensor;
  embedding?: boolean;
}

/** How PEFT names the parts of a LoRA behind the path of a module. */
const partNames: Readonly<Record<string, (parts: ModuleParts, tensor: ComputedTensor) => void>> = {
  'lora_A.weight': (parts, tensor) => {
    parts.down = tensor;
  },
  'lora_B.weight': (parts, tensor) => {
    parts.up = tensor;
  },
  'lora_B.bias': (parts, tensor) => {
    parts.upBias = tensor;
  },
  lora_embedding_A: (parts, tensor) => {
    Object.assign(parts, { down: tensor, embedding: true });
  },
  lora_embedding_B: (parts, tensor) => {
    Object.assign(parts, { up: tensor, embedding: true });
  },
};

const prefix = 'base_model.model.';

/** The weights that an adapter is for, as far as telling its changes goes. */
export interface AdapterBase {
  has(name: string): boolean;
  /** Of a tensor that is there. */
  shapeOf(name: string): readonly number[];
}

/** What an adapter does to its base, by the names that the base has for its tensors. */
export interface AdapterChanges {
  /** Tensors that are saved whole, and take the place of the base's. */
  readonly whole: ReadonlyMap<string, ComputedTensor>;
  /** What is added to a matrix, to the whole one where there is one. */
  readonly products: readonly { readonly tensor: string; readonly change: LowRankChange }[];
  /** What is added to a bias, times its scale. */
  readonly biases: readonly { readonly tensor: string; readonly values: ComputedTensor; readonly scale: number }[];
}

/**
 * The changes that an adapter makes.
 * @throws ModelError adapter_unsupported, adapter_misfit, adapter_config_malformed
 */
export function adapterChanges(adapter: SafetensorsFile, config: AdapterConfig, base: AdapterBase): AdapterChanges {
  const { where } = adapter;
  const modules = new Map<string, ModuleParts>();
  const whole = new Map<string, ComputedTensor>();
  const misfit = (what: string, hint = 'Give the base that the adapter was trained on'): never => {
    throw new ModelError('adapter_misfit', { where, what, hint });
  };
  const inBase = (name: string): string =>
    [name, name.slice(name.indexOf('.') + 1), `model.${name}`, `transformer.${name}`].find((each) => base.has(each)) ??
    misfit(`the base has no tensor ${JSON.stringify(name)} of its own, which the adapter changes`);

  for (const [full, { shape }] of adapter.tensors) {
    const tensor: ComputedTensor = { shape, read: () => adapter.read(full) };
    const name = full.startsWith(prefix) ? full.slice(prefix.length) : full;
    const part = /^(.+)\.(lora_[AB])(?:\.default)?\.(weight|bias)$/.exec(name);
    const embedded = /^(.+)\.(lora_embedding_[AB])(?:\.default)?$/.exec(name);
    const [module, kind] = part ? [part[1]!, `${part[2]}.${part[3]}`] : [embedded?.[1] ?? '', embedded?.[2] ?? ''];
    const put = Object.hasOwn(partNames, kind) ? partNames[kind] : undefined;
    if (put !== undefined) {
      const parts = modules.get(module) ?? {};
      put(parts, tensor);
      modules.set(module, parts);
    } else if (name.includes('lora_magnitude_vector')) {
      refuseAdapter(where, `it holds ${JSON.stringify(full)}: DoRA is not merged`);
    } else if (/\.(weight|bias)$/.test(name) && !/lora_|ia3_|prompt/.test(name)) {
      // Saved whole: modules_to_save, trained biases, an embedding that LoRA changes as well.
      const replaced = inBase(name.replace(/\.(base_layer|modules_to_save(?:\.default)?)\.(weight|bias)$/, '.$2'));
      const expected = base.shapeOf(replaced);
      if (shape.join() !== expected.join()) {
        misfit(
          `${JSON.stringify(full)} is [${shape}], and the base has [${expected}]: embeddings that were resized are not merged`,
          'Merge it with PEFT onto a base whose embeddings have been resized',
        );
      }
      whole.set(replaced, tensor);
    } else refuseAdapter(where, `it holds ${JSON.stringify(full)}, which is no part of a LoRA`);
  }

  const requireShape = (name: string, shape: readonly number[]): string => {
    const there = base.shapeOf(name);
    if (there.join() !== shape.join())
      misfit(`its change of ${JSON.stringify(name)} is [${shape}], and the base has [${there}]`);
    return name;
  };
  const products: AdapterChanges['products'][number][] = [];
  const biases: AdapterChanges['biases'][number][] = [];
  for (const [module, { down, up, upBias, embedding = false }] of modules) {
    if (down?.shape.length !== 2 || up?.shape.length !== 2 || down.shape[0] !== up.shape[1])
      return misfit(
        `${module} has not two matrices A and B of one rank`,
        'The file is damaged: save the adapter again',
      );
    const scale = scaleOf(config, where, module, down.shape[0]!);
    const change: LowRankChange = { down, up, scale, transposed: embedding || config.fan_in_fan_out === true };
    products.push({ tensor: requireShape(inBase(`${module}.weight`), changedShape(change)), change });
    if (upBias === undefined) continue;
    biases.push({ tensor: requireShape(inBase(`${module}.bias`), upBias.shape), values: upBias, scale });
  }
  return { whole, products, biases };
}

/**
 * The tensors of the base as the adapter has them.
 * @param base the weights that it is merged onto
 * @returns those that are changed, by the names that the base has for them
 * @throws ModelError as {@link adapterChanges}
 */
export function mergedTensors(
  adapter: SafetensorsFile,
  config: AdapterConfig,
  base: CheckpointTensors,
): ReadonlyMap<string, ComputedTensor> {
  const { whole, products, biases } = adapterChanges(adapter, config, {
    has: (name) => base.has(name),
    shapeOf: (name) => base.info(name).shape,
  });
  const merged = new Map(whole);
  const addTo = (name: string, add: (values: Float32Array) => void): void => {
    const before = merged.get(name) ?? { shape: base.info(name).shape, read: () => base.read(name) };
    merged.set(name, {
      shape: before.shape,
      read() {
        const values = before.read();
        add(values);
        return values;
      },
    });
  };
  for (const { tensor, change } of products) addTo(tensor, (values) => addChange(values, change));
  for (const { tensor, values, scale } of biases)
    addTo(tensor, (bias) => {
      for (const [i, value] of values.read().entries()) bias[i] = bias[i]! + scale * value;
    });
  return merged;
}
