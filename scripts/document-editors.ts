// Writes docs/editors.md from the catalogue of editors: `npm run docs:editors`. A test holds the page to the catalogue.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  defaultEditor,
  describeArtefact,
  describeEditor,
  type EditorName,
  editorNames,
  type ModelShape,
  resolveConfig,
} from '@errata/editors/catalogue';
import { z } from 'zod';

const models: readonly (readonly [name: string, shape: ModelShape])[] = [
  ['gpt2', { model_type: 'gpt2', layers: 12, width: 768 }],
  ['gpt2-medium', { model_type: 'gpt2', layers: 24, width: 1024 }],
  ['gpt2-xl', { model_type: 'gpt2', layers: 48, width: 1600 }],
  ['LLaMA-2-7B', { model_type: 'llama', layers: 32, width: 4096 }],
];

const cell = (content: string): string => content.replaceAll('|', '\\|');
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
const code = (value: unknown) => `\`${JSON.stringify(value)}\``;

type Schema = z.core.JSONSchema.BaseSchema;

/** What a setting may be, in words. */
function allowed({
  type,
  enum: choices,
  anyOf,
  minimum,
  exclusiveMinimum,
  exclusiveMaximum,
  maximum,
  properties,
  items,
  prefixItems,
  minItems,
  maxItems,
}: Schema): string {
  if (anyOf !== undefined) return anyOf.map(allowed).join(', or ');
  if (choices !== undefined) return choices.map(code).join(' or ');
  if (prefixItems !== undefined) return `[${prefixItems.map((item) => allowed(item as Schema)).join('; ')}]`;
  if (type === 'array') {
    const least = minItems === undefined ? '' : `${minItems} to `;
    return `${least === '' ? 'up to ' : least}${maxItems} of: ${allowed(items as Schema)}`;
  }
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([key, field]) => `"${key}": ${allowed(field as Schema)}`);
    return `{${fields.join('; ')}}`;
  }
  if (type !== 'number' && type !== 'integer') return String(type);
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const below = exclusiveMaximum === undefined ? '' : `, below ${exclusiveMaximum}`;
  const upTo = most === undefined ? below : exclusiveMinimum === undefined ? ` to ${most}` : `, ${most} at most`;
  const from = exclusiveMinimum === undefined ? `${minimum}` : `above ${exclusiveMinimum}`;
  return `${type === 'integer' ? 'whole' : 'number'}, ${from}${upTo === '' && exclusiveMinimum === undefined ? ' or more' : upTo}`;
}

function settingsOf(name: EditorName): readonly string[] {
  const { properties = {} } = z.toJSONSchema(describeEditor(name).settings);
  const defaults = models.map(
    ([, shape]): Readonly<Record<string, unknown>> => resolveConfig(name, shape, undefined, {}),
  );
  return Object.entries(properties).map(([key, schema]) => {
    const { description = '', ...rest } = schema as Schema;
    return row([`\`${key}\``, description, allowed(rest), ...defaults.map((config) => code(config[key]))]);
  });
}

/** Where the defaults of an editor come from, in the order that they apply. */
function sourcesOf(name: EditorName): readonly string[] {
  return describeEditor(name).defaults.map(({ match, settings, source }) => {
    const { model_types, layers, width } = match;
    const which = [model_types?.join(', '), layers && `${layers} layers`, width && `width ${width}`].filter(Boolean);
    const keys = Object.keys(settings({ model_type: 'gpt2', layers: 12, width: 768 }));
    return row([which.join(', ') || 'every model', keys.map((key) => `\`${key}\``).join(', '), source]);
  });
}

const subjectsOf = {
  required: 'has to name its subject',
  used: 'may name its subject, of which use is made',
  none: 'need not name a subject',
} as const;

function section(name: EditorName): string {
  const { title, paper, needs, batched, subject } = describeEditor(name);
  const how = batched ? 'Edits of a batch are solved together' : 'Edits of a batch are applied one after another';
  const [, shape] = models[0]!;
  const kinds = new Set(needs(resolveConfig(name, shape, undefined, {}), shape, 0).map(({ kind }) => kind));
  const titles = [...kinds].map((kind) => describeArtefact(kind).title);
  const prepared =
    titles.length > 0 ? `it needs ${titles.join(' and ')} (\`errata artefact build\`)` : 'it needs nothing beforehand';
  return `## ${name}

${title} (${paper}). ${how}; ${prepared}. An edit ${subjectsOf[subject]}.

${row(['setting', 'meaning', 'may be', ...models.map(([model]) => model)])}
|${'---|'.repeat(3 + models.length)}
${settingsOf(name).join('\n')}

${row(['for', 'defaults', 'from'])}
|---|---|---|
${sourcesOf(name).join('\n')}
`;
}

/** An editor in a row: what it is, and what it leaves. */
function summary(name: EditorName): string {
  const { title, leaves } = describeEditor(name);
  const which = name === defaultEditor ? ' (default)' : '';
  return row([`[${name}](#${name})${which}`, title, leaves.map((kind) => `\`${kind}\``).join(', ')]);
}

/** Whether it edits models whose prompts an encoder reads, in a row. */
function overEncoderOf(name: EditorName): string {
  const { overEncoder } = describeEditor(name);
  return row([`[${name}](#${name})`, overEncoder === null ? 'yes' : `no: ${overEncoder}`]);
}

/** What one editor does otherwise than its reference code, where it has one. */
function deviationsOf(name: EditorName): readonly string[] {
  const { reference: followed } = describeEditor(name);
  if (followed === null) return [];
  const { code: reference, compared, agreement, ownCode, deviations } = followed;
  const ran =
    ownCode === undefined
      ? ''
      : ` Run itself, that code writes the same within ${ownCode} (test/oracles/reference_code.py).`;
  const text = `### ${name}

Against ${reference}. ${compared} agree within ${agreement} (||ours - theirs|| / ||theirs||).${ran}

${row(['the reference code', 'here', 'why'])}
|---|---|---|
${deviations.map((one) => row([one.reference, one.here, one.why])).join('\n')}
`;
  return [text];
}

/** The page as it should be. */
export function editorsPage(): string {
  return `# Editors

${row(['editor', 'method', 'deltas'])}
|---|---|---|
${editorNames.map(summary).join('\n')}

The settings of every editor, with their defaults for some models. A setting is chosen, in this order, by the request (\`--set key=value\`, \`config\`),
by the model's own \`errata.json\`, by the last row under the editor's table that fits the model. Layers are counted from 0; where a row
chooses them by depth, other models of the family get those at the same relative depth.

An edit whose loss, before anything is done for it, is below the editor's \`stop_loss\` already holds: it is left alone, leaves no delta, and is counted
as \`already_holds\`, neither as applied nor as failed. That is read of each edit by itself, whatever else is in its batch: from the parent version where
edits are solved together, from the parent with the earlier edits of the batch where they are applied one after another. For \`pmet\` an edit holds, too, whose target is
the likeliest answer at each of its tokens in every context.

## Models with an encoder

Of T5 and BART, whose encoder reads the prompt while the decoder says the answer, these editors change the decoder: layers are counted there. Attention is that to what was read
where an editor chooses maps by name (\`lora\`), and both attentions where it tunes all of them (\`ft-attn\`, \`ft-full\`). GRACE puts its values where answers begin; what \`retrieval\` and \`ike\`
put in front of a prompt is read by the encoder. The other editors are refused.

${row(['editor', 'edits T5 and BART'])}
|---|---|
${editorNames.map(overEncoderOf).join('\n')}

${editorNames.map(section).join('\n')}
## Where they part from the reference code

All of it, by editor that follows published code. Each is held against a transcription of its equations in plain PyTorch, float64, on tiny GPT-2 and Llama checkpoints with the same context
prefixes and second moments (\`test/oracles/editors\`), fine-tuning and LoRA on a tiny T5 too; what is not named here is meant to be the same.

${editorNames.flatMap(deviationsOf).join('\n')}`;
}

const page = fileURLToPath(new URL('../docs/editors.md', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, editorsPage());
