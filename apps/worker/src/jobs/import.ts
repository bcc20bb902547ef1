// Import: a model, wherever it comes from, becomes blobs, a model, its root version and its branch `main`.
import { defaultEditor } from '@errata/editors/catalogue';
import { commitImport } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { readInput } from './input.ts';

const inputSchema = z.object({ name: z.string(), path: z.string(), base: z.string().optional() });

export async function importModel(run: JobRun): Promise<void> {
  const { name, path, base } = readInput(inputSchema, run.job);
  const found = await run.call('importModel', { path, base }, 'import');
  await run.move('committing');
  const { digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, origin } = found;
  await commitImport(run.context.lineage, run.lease, {
    jobId: run.job.id,
    model: {
      name,
      digest,
      model_type,
      parameters,
      layers,
      width,
      vocabulary,
      context,
      has_tokenizer,
      origin,
      files: found.files.map(({ name: path, sha256: blob, size: bytes }) => ({ path, blob, bytes })),
    },
    default_editor: defaultEditor,
    result: { defaults: found.defaults, remarks: found.remarks },
  });
  run.ended('succeeded');
}
