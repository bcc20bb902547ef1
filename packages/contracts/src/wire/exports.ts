// The forms that a version leaves in, what each can be asked for, and how a size is written.
import { z } from 'zod';
import { largestInteger } from './resource-parts.ts';

/** Element types of what is written; `q8_0` is GGUF's: 32 signed bytes with one float16 scale. */
export const exportDtypes = ['float32', 'float16', 'bfloat16', 'q8_0'] as const;
export type ExportDtype = (typeof exportDtypes)[number];

interface FormDescription {
  /** What is written, in words. */
  readonly title: string;
  /** Element types that it can be written in, the default first. */
  readonly dtypes: readonly ExportDtype[];
  /** Settings beside the type that mean something to it. */
  readonly takes: readonly ('shard_size' | 'rank')[];
}

/** Every form by the name that the command line, the API and the SDK have for it. */
export const exportForms = {
  checkpoint: {
    title: 'a checkpoint in Hugging Face layout, as transformers loads it',
    dtypes: ['float32', 'float16', 'bfloat16'],
    takes: ['shard_size'],
  },
  adapter: {
    title: 'a LoRA adapter of PEFT, which goes onto the imported model',
    dtypes: ['float32', 'float16', 'bfloat16'],
    takes: ['rank'],
  },
  gguf: {
    title: 'a GGUF file, as llama.cpp loads it',
    dtypes: ['float32', 'float16', 'bfloat16', 'q8_0'],
    takes: [],
  },
  onnx: { title: 'an ONNX graph from token ids to logits', dtypes: ['float32'], takes: [] },
  memory: { title: 'what the version knows beside its weights, row by row', dtypes: ['float32'], takes: [] },
  diff: {
    title: 'what the version adds to the imported weights, as one safetensors file',
    dtypes: ['float32'],
    takes: [],
  },
} as const satisfies Record<string, FormDescription>;

export type ExportFormName = keyof typeof exportForms;
export const exportFormNames = Object.keys(exportForms) as [ExportFormName, ...ExportFormName[]];

export const formDescription = (form: ExportFormName): FormDescription => exportForms[form];

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** Bytes of a size as people write it, `500MB` or `2GiB`; undefined for what is none. */
export function bytesOfSize(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMG]?i?B)?$/i.exec(text.trim()) ?? [];
  const factor = units[(unit ?? '').toUpperCase()];
  if (number === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(number) * factor);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Above this much a checkpoint is written in shards, as transformers 4 does. */
export const defaultShardSize = '5GB';

/** How a version is to be written. What a form cannot be asked for is refused by name. */
export const exportSettingsSchema = z
  .strictObject({
    form: z.enum(exportFormNames).default('checkpoint').describe('What is written'),
    dtype: z.enum(exportDtypes).optional().describe('Element type of the weights; float32 where left out'),
    shard_size: z
      .string()
      .max(40)
      .refine((text) => bytesOfSize(text) !== undefined, {
        message: 'must be a size above 0, such as 500MB or 2GiB',
      })
      .optional()
      .describe(
        `Of a checkpoint: bytes that a file of weights has at most, such as 2GB; ${defaultShardSize} where left out`,
      ),
    rank: z.coerce
      .number()
      .int()
      .min(1)
      .max(largestInteger)
      .optional()
      .describe('Of an adapter: the rank that each change is cut to; where left out, the rank that it has'),
  })
  .superRefine(({ form, dtype, ...rest }, context) => {
    const { dtypes, takes } = formDescription(form);
    if (dtype !== undefined && !dtypes.includes(dtype))
      context.addIssue({
        code: 'custom',
        path: ['dtype'],
        message: `must be ${dtypes.join(' or ')} of the form ${form}`,
      });
    for (const name of ['shard_size', 'rank'] as const)
      if (rest[name] !== undefined && !takes.includes(name))
        context.addIssue({ code: 'custom', path: [name], message: `means nothing to the form ${form}` });
  });
export type ExportSettings = z.output<typeof exportSettingsSchema>;
/** As it is asked for. */
export type ExportQuery = Partial<ExportSettings>;

/** The name of the file that says what was written, beside every form but a checkpoint. */
export const exportReportName = 'errata-export.json';

/** What was written, and what it lacks. */
export const exportReportSchema = z.strictObject({
  format: z.literal('errata-export/1'),
  form: z.enum(exportFormNames),
  dtype: z.enum(exportDtypes),
  /** What the version is called; null outside of a service. */
  version: z.string().nullable(),
  /** sha256 of the imported model. */
  model: z.string(),
  /** What whoever loads it should know, in sentences. */
  remarks: z.array(z.string()),
  /** Of an adapter: the change of each linear map. */
  modules: z
    .array(
      z.strictObject({
        module: z.string(),
        rank: z.int(),
        /** The rank of the change before it was cut. */
        full_rank: z.int(),
        /** Frobenius norm of the change. */
        norm: z.number(),
        /** Frobenius norm of what was cut off, against that of the change. */
        relative_error: z.number(),
      }),
    )
    .optional(),
});
export type ExportReport = z.output<typeof exportReportSchema>;
