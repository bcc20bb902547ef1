// Chat templates against transformers, byte for byte, on templates of the shapes that model families use.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '../tiny-models.fixture.ts';
import { type Conversation, chatTemplate } from './chat-template.ts';
import { loadChatTemplate } from './load-chat-template.ts';
import { tokenizerFromFiles } from './load-tokenizer.ts';
import { strftime } from './strftime.ts';

interface Fixture {
  readonly now: string;
  readonly tokens: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly conversations: Readonly<Record<string, Conversation & { readonly add_generation_prompt?: boolean }>>;
  readonly rendered: Readonly<Record<string, Readonly<Record<string, string | { readonly raised: string }>>>>;
  readonly dates: Readonly<Record<string, string>>;
}

const fixture = JSON.parse(readFileSync(fixturePath('chat-templates.json'), 'utf8')) as Fixture;
const now = new Date(fixture.now);

describe('are rendered as transformers renders them', () => {
  it.each(Object.entries(fixture.templates))('%s', (name, text) => {
    const template = chatTemplate(text, fixture.tokens);
    for (const [which, expected] of Object.entries(fixture.rendered[name]!)) {
      const { add_generation_prompt: addGenerationPrompt = true, ...said } = fixture.conversations[which]!;
      const render = () => template.render({ ...said, addGenerationPrompt, now });
      if (typeof expected === 'string') expect(render(), which).toBe(expected);
      else
        expect(render, which).toThrow(
          expect.objectContaining({ code: 'chat_template_refused', what: expected.raised }) as Error,
        );
    }
  });
});

it('give dates as Python does', () => {
  for (const [format, date] of Object.entries(fixture.dates)) expect(strftime(format, now)).toBe(date);
});

describe('of a model directory', () => {
  const said = { messages: [{ role: 'user', content: 'Hi' }] };
  const settings = JSON.stringify({ bos_token: { content: '<s>' }, eos_token: '</s>' });
  const vocab = '{"H":0,"i":1,"a":2,"<s>":3,"</s>":4}';
  const files: Readonly<Record<string, string>> = {
    'vocab.json': vocab,
    'merges.txt': '',
    'tokenizer_config.json': settings,
  };
  const tokenizer = tokenizerFromFiles((name) => files[name], '');
  /** What the templates of some files give, of which only names and texts are looked at. */
  const render = (files: Readonly<Record<string, unknown>>, conversation: Conversation = said) => {
    const readCompanion = (name: string) =>
      Buffer.from(typeof files[name] === 'string' ? files[name] : JSON.stringify(files[name]));
    const template = loadChatTemplate({ directory: '', companionFiles: Object.keys(files), readCompanion, tokenizer });
    return template?.render(conversation);
  };
  const asked = '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}';

  it('are found in chat_template.jinja before tokenizer_config.json, with the special tokens of the tokenizer', () => {
    const config = { chat_template: 'old' };
    expect(render({ 'tokenizer_config.json': config })).toBe('old');
    expect(render({ 'tokenizer_config.json': config, 'chat_template.jinja': asked })).toBe('<s>Hi</s>');
    expect(render({})).toBeUndefined();
    expect(render({ 'tokenizer_config.json': { chat_template: null } })).toBeUndefined();
  });

  it('may be several by name, one of them for tools', () => {
    const chat_template = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools: {{ tools | length }}' },
    ];
    expect(render({ 'tokenizer_config.json': { chat_template } })).toBe('plain');
    expect(render({ 'tokenizer_config.json': { chat_template } }, { ...said, tools: [{}] })).toBe('tools: 1');
    const unnamed = { 'tokenizer_config.json': { chat_template: [{ name: 'rag', template: '' }] } };
    expect(() => render(unnamed)).toThrow(expect.objectContaining({ code: 'chat_template_malformed' }) as Error);
  });

  it('are refused where they are none, and bounded where they have no end', () => {
    const refusal = (template: string) => () => render({ 'chat_template.jinja': template });
    const having = (code: string) => expect.objectContaining({ code }) as Error;
    expect(refusal('{% if %}')).toThrow(having('chat_template_malformed'));
    expect(refusal('{{ messages[0].content.nonsense() }}')).toThrow(having('chat_template_refused'));
    expect(refusal('{% for i in range(1000000000) %}.{% endfor %}')).toThrow(having('chat_template_refused'));
  });
});
