// Weights that are quantised: numbers that stand for them, by the names and types of the tensors.

import { z } from 'zod';
import type { CheckpointTensors } from './checkpoint-tensors.ts';
import { fail } from './model-files.ts';

const quantisedSchema = z.looseObject({
  quantization_config: z
    .looseObject({
      quant_method: z.string().nullish().catch(undefined),
      bits: z.number().nullish().catch(undefined),
      load_in_4bit: z.boolean().nullish().catch(undefined),
      load_in_8bit: z.boolean().nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
});

/** Tensors that only quantised weights have: of GPTQ, AWQ, compressed-tensors, bitsandbytes, fp8 and mxfp4. */
const parts =
  /\.(qweight|qzeros|g_idx|weight_packed|weight_scale(_inv)?|input_scale|SCB|absmax|quant_map|quant_state\..+)$|\.(gate_up|down)_proj_(blocks|scales)$/;

const packed: readonly string[] = ['F8_E4M3', 'F8_E5M2', 'I8', 'U8'];

/**
 * Refuses weights that are quantised. What config.json says is not enough: some are saved as floats again and still say it.
 * @throws ModelError checkpoint_quantised
 */
export function refuseQuantised(directory: string, config: unknown, { names, info }: CheckpointTensors): void {
  const found = names.find(
    (name) => parts.test(name) || (name.endsWith('.weight') && packed.includes(info(name).dtype)),
  );
  if (found === undefined) return;
  const said = quantisedSchema.safeParse(config).data?.quantization_config;
  const bits = said?.bits ?? (said?.load_in_4bit ? 4 : said?.load_in_8bit ? 8 : undefined);
  const how = [said?.quant_method, bits === undefined ? undefined : `${bits} bits`].filter(Boolean).join(', ');
  fail(
    'checkpoint_quantised',
    directory,
    `its weights are quantised${how && ` (${how})`}: it has ${JSON.stringify(found)} of ${info(found).dtype}`,
    'Give the weights that they were made from, or load them with transformers and save what model.dequantize() gives',
  );
}
