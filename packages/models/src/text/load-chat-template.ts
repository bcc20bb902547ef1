// The chat template of a model directory: a file of its own, or a field of tokenizer_config.json, one text or several by name.

import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Checkpoint } from '../files/checkpoint.ts';
import { chatTemplateFolder, chatTemplateName } from '../files/companions.ts';
import { type ChatTemplate, chatTemplate } from './chat-template.ts';
import { check, parseJson } from './forms/parse.ts';

const named = z.array(z.looseObject({ name: z.string(), template: z.string() }));
const templateSchema = z.looseObject({ chat_template: z.union([z.string(), named]).nullish() });

/** The files of an opened checkpoint, and its tokenizer. */
type Source = Pick<Checkpoint, 'directory' | 'companionFiles' | 'readCompanion' | 'tokenizer'>;

/**
 * The chat template of an opened checkpoint; undefined where it brings none. As in transformers, chat_template.jinja and
 * what additional_chat_templates holds go before tokenizer_config.json, and a template may name the special tokens of the tokenizer.
 * @throws ModelError tokenizer_malformed
 */
export function loadChatTemplate(source: Source): ChatTemplate | undefined {
  const template = chatTemplateText(source);
  if (template === undefined) return undefined;
  return chatTemplate(template, Object.fromEntries(source.tokenizer?.namedTokens ?? []));
}

/** Its text, or the texts of several by name; undefined where there is none. @throws as {@link loadChatTemplate} */
export function chatTemplateText({
  directory,
  companionFiles,
  readCompanion,
}: Omit<Source, 'tokenizer'>): string | ReadonlyMap<string, string> | undefined {
  const read = (name: string): string | undefined =>
    companionFiles.includes(name) ? Buffer.from(readCompanion(name)).toString('utf8') : undefined;
  const template =
    inFiles(companionFiles, read) ?? stated(read('tokenizer_config.json'), join(directory, 'tokenizer_config.json'));
  if (template === undefined || template === null) return undefined;
  return typeof template === 'string' ? template : new Map(template.map((one) => [one.name, one.template]));
}

/** The template in chat_template.jinja, or with those in their folder several; undefined where there is neither. */
function inFiles(names: readonly string[], read: (name: string) => string | undefined) {
  const main = read(chatTemplateName);
  const more = names
    .filter((name) => name.startsWith(`${chatTemplateFolder}/`))
    .map((name) => ({ name: basename(name, '.jinja'), template: read(name)! }));
  if (more.length === 0) return main;
  return main === undefined ? more : [{ name: 'default', template: main }, ...more];
}

const stated = (config: string | undefined, where: string) =>
  config === undefined ? undefined : check(templateSchema, parseJson(config, where), where).chat_template;
