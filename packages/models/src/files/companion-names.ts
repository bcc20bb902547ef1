// Files beside weights, config and tokenizer that belong to a model: a copy carries them, and they are no part of its digest.

export const generationConfigName = 'generation_config.json';
export const chatTemplateName = 'chat_template.jinja';

export const companionNames = [
  generationConfigName,
  chatTemplateName,
  'LICENSE',
  'LICENSE.md',
  'LICENSE.txt',
  'NOTICE',
  'README.md',
] as const;
