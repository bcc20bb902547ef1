// A matrix of evaluations: its file, its runs one after another, and the report of all of them together.
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ErrataError } from '@errata/contracts';
import type { Report, ReportedRun } from '@errata/evaluation';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { artefactFields } from '../arguments/artefact-fields.ts';
import { readAbility, readEvalData, readQuestions } from '../arguments/data-files.ts';
import { readText } from '../arguments/files.ts';
import { absoluteModel } from '../arguments/model-source.ts';
import { type ProgressLine, progressLine } from '../output/output.ts';
import { runLocally } from './evaluation.ts';
import { withModel } from './model.ts';

export interface MatrixOptions {
  readonly corpus?: string;
  readonly limit?: number;
  readonly resume?: true;
}

/**
 * Runs all that a matrix asks for and that its directory does not hold yet.
 * @param file YAML, or TypeScript or JavaScript that exports the matrix by default; paths in it are relative to it
 * @throws ErrataError `invalid_request`, and whatever a run throws
 */
export async function runMatrix(file: string, directory: string, options: MatrixOptions): Promise<Report> {
  const { cellsOf, parseMatrix, slugOf, writeReport } = await import('@errata/evaluation');
  const matrix = parseMatrix(await readMatrix(file), file);
  const cells = cellsOf(matrix);
  const runs: ReportedRun[] = cells.map((cell) => ({
    directory: join(
      directory,
      'runs',
      basename(cell.model),
      basename(cell.data.file, extname(cell.data.file)),
      slugOf(cell),
    ),
    labels: { name: cell.name, model: basename(cell.model), data: basename(cell.data.file) },
  }));
  requireOwnFolders(runs, file);
  const fromMatrix = (path: string) => resolve(dirname(file), path);
  const ability = await readAbility(matrix.ability.map((each) => ({ ...each, file: fromMatrix(each.file) })));
  const asked = typeof matrix.questions === 'string' ? { file: matrix.questions } : matrix.questions;
  const questions = await readQuestions(asked && { ...asked, file: fromMatrix(asked.file) });
  const line = progressLine();
  try {
    for (const model of matrix.models) {
      const mine = cells.flatMap((cell, index) => (cell.model === model ? [{ cell, run: runs[index]!, index }] : []));
      await withModel({ model: await absoluteModel(model, dirname(file)) }, async (local) => {
        for (const { cell, run, index } of mine) {
          const { file: dataFile, references } = cell.data;
          const { layout, limit = cell.data.limit } = { ...cell.data, ...options };
          const data = await readEvalData({
            file: fromMatrix(dataFile),
            layout,
            limit,
            references: references && fromMatrix(references),
          });
          const { editor, set, protocol } = cell;
          const { seed, writers } = matrix;
          await runLocally(
            local,
            {
              editor,
              set,
              data,
              protocol,
              seed,
              writers,
              ability,
              questions,
              corpus: options.corpus,
              building: artefactFields(options),
            },
            run.directory,
            options.resume ?? false,
            numbered(line, `${index + 1}/${cells.length} ${run.labels.name}`),
          );
        }
      });
    }
  } finally {
    line.done();
  }
  return writeReport(directory, matrix.title, runs);
}

/** Two runs that would write into one folder are told apart by no name. */
function requireOwnFolders(runs: readonly ReportedRun[], file: string): void {
  const seen = new Set<string>();
  for (const { directory, labels } of runs) {
    if (seen.has(directory))
      throw new ErrataError(
        'invalid_request',
        `${file} asks twice for ${labels.name} on ${labels.model} and ${labels.data}: give models, files and editors names of their own`,
      );
    seen.add(directory);
  }
}

const numbered = (line: ProgressLine, run: string): ProgressLine => ({
  update: (stage, detail) => line.update(`${run}: ${stage}`, detail),
  done: line.done,
});

async function readMatrix(file: string): Promise<unknown> {
  const text = await readText(file);
  if (/\.[cm]?[jt]s$/.test(file)) return importDefault(file);
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new ErrataError('invalid_request', `${file} is not YAML: ${error.message.split('\n')[0]}`, { cause: error });
  }
}

async function importDefault(file: string): Promise<unknown> {
  const { tsImport } = await import('tsx/esm/api');
  try {
    const { default: exported } = (await tsImport(pathToFileURL(file).href, import.meta.url)) as { default?: unknown };
    // Outside of a package of ES modules, a file is read as CommonJS, whose exports are all one default.
    const nested = typeof exported === 'object' && exported !== null && 'default' in exported;
    return nested ? exported.default : exported;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ErrataError('invalid_request', `${file} cannot be loaded: ${message}`, { cause: error });
  }
}
