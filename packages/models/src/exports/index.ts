// The forms that a version can be written in: the table of them, and the one way to write any.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ExportFormName,
  type ExportReport,
  type ExportSettings,
  exportReportName,
  formDescription,
} from '@errata/contracts';
import { besideWeights } from '../deltas/state.ts';
import { ModelError } from '../errors.ts';
import { writeDirectory } from '../files/whole-directory.ts';
import { adapterForm } from './adapter/index.ts';
import { checkpointForm } from './checkpoint.ts';
import { diffForm } from './diff.ts';
import type { ExportForm, LeavingVersion } from './form.ts';
import { ggufForm } from './gguf/index.ts';
import { memoryForm } from './memory.ts';
import { onnxForm } from './onnx.ts';

const forms: Readonly<Record<ExportFormName, ExportForm>> = {
  checkpoint: checkpointForm,
  adapter: adapterForm,
  gguf: ggufForm,
  onnx: onnxForm,
  memory: memoryForm,
  diff: diffForm,
};

/** Whether a form may be written of a version with a memory of a kind; of some models it is refused all the same. */
export function holdsMemory(form: ExportFormName, kind: string): boolean {
  const { holds = [] } = forms[form];
  return holds === 'all' || holds.some((held) => held === kind);
}

/**
 * Writes a version into a new directory, whole or not at all; beside every form but a checkpoint lies a report, `errata-export.json`.
 * @returns the report
 * @throws ModelError export_memories, export_unsupported, checkpoint_target_*, safetensors_*
 */
export async function writeExport(
  directory: string,
  version: LeavingVersion,
  settings: ExportSettings,
): Promise<ExportReport> {
  const { form } = settings;
  const left = new Map([...version.view.memories].filter(([, { kind }]) => !holdsMemory(form, kind)));
  const beside = besideWeights({ memories: left });
  if (beside !== null)
    throw new ModelError('export_memories', {
      where: 'the version',
      what: `it has ${beside} beside its weights, which the form ${form} cannot hold`,
      hint: 'The form memory holds that, the form diff the weights alone',
    });
  const { dtype = formDescription(form).dtypes[0]! } = settings;
  return writeDirectory(directory, {}, async (staging) => {
    const { remarks = [], ...written } = await forms[form].write(staging, version, { ...settings, dtype });
    const report: ExportReport = {
      format: 'errata-export/1',
      form,
      dtype,
      version: version.name,
      model: version.checkpoint.digest,
      remarks: [...remarks],
      ...written,
    };
    if (forms[form].reported ?? true)
      writeFileSync(join(staging, exportReportName), `${JSON.stringify(report, null, 2)}\n`, { flush: true });
    return report;
  });
}
