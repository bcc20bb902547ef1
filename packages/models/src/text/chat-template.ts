// Chat templates: what a conversation looks like to a model that was taught to talk, as transformers' apply_chat_template has it.

import { Environment, Interpreter, parse as parseTokens, tokenize } from '@huggingface/jinja';
import { ModelError } from '../errors.ts';
import { strftime } from './strftime.ts';

/** A message of a conversation: what its template asks for beside role and content (names, calls of tools) is handed on as it is. */
export interface TemplateMessage {
  readonly role: string;
  readonly [field: string]: unknown;
}

/** A conversation to be put into words. */
export interface Conversation {
  readonly messages: readonly TemplateMessage[];
  /** Functions that the model may call, as JSON schemas. A template named `tool_use` is used for these where there is one. */
  readonly tools?: readonly unknown[] | undefined;
  /** Whether to end with what an answer begins behind; default true. */
  readonly addGenerationPrompt?: boolean;
  /** What time it is for the template; default now. */
  readonly now?: Date;
}

/** The chat template of a model, or its several by name. */
export interface ChatTemplate {
  /**
   * The text of a conversation, marks and all. Its tokens are `tokenizer.encode` of it, with nothing put in front: a template that wants BOS
   * writes it.
   * @throws ModelError chat_template_malformed; chat_template_refused for what the template raises or cannot be filled in with
   */
  render(conversation: Conversation): string;
}

type Program = ReturnType<typeof parseTokens>;

/** What a template itself raises. */
class Raised extends Error {}

/**
 * A chat template from its text, or from several by name.
 * @param tokens special tokens by the names that templates know them by: `bos_token`, `eos_token` ...
 */
export function chatTemplate(
  templates: string | ReadonlyMap<string, string>,
  tokens: Readonly<Record<string, unknown>>,
): ChatTemplate {
  const named = typeof templates === 'string' ? new Map([['default', templates]]) : templates;
  const parsed = new Map<string, Program>();
  const find = (name: string): Program => {
    const known = parsed.get(name);
    if (known !== undefined) return known;
    const template = parse(named.get(name)!);
    parsed.set(name, template);
    return template;
  };
  return {
    render({ messages, tools, addGenerationPrompt = true, now = new Date() }) {
      const name = tools !== undefined && named.has('tool_use') ? 'tool_use' : 'default';
      if (!named.has(name)) throw noDefault([...named.keys()]);
      try {
        const given = { messages, tools: tools ?? null, documents: null, add_generation_prompt: addGenerationPrompt };
        return fillIn(find(name), { ...globals(now), ...tokens, ...given });
      } catch (error) {
        throw error instanceof ModelError ? error : refused(error as Error);
      }
    },
  };
}

const where = 'the chat template';

/** What every template may use: the language's constants and `range`, and what transformers adds to them. */
const globals = (now: Date) => ({
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
  range,
  raise_exception: (message: unknown) => {
    throw new Raised(String(message));
  },
  strftime_now: (format: string) => strftime(format, now),
});

/** Longest range that a template may ask for. */
const longestRange = 100_000;

function range(first: number, second?: number, step = 1): readonly number[] {
  const [start, end] = typeof second === 'number' ? [first, second] : [0, first];
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!(length <= longestRange)) throw new RangeError(`a range of ${length} numbers`);
  return Array.from({ length }, (_, index) => start + index * step);
}

function fillIn(program: Program, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  return String(new Interpreter(environment).run(program).value);
}

function parse(text: string): Program {
  try {
    return parseTokens(tokenize(text, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw new ModelError('chat_template_malformed', {
      where,
      what: `it is not a template (${(cause as Error).message})`,
      hint: 'Restore the chat template that the model was published with',
      cause,
    });
  }
}

const noDefault = (names: readonly string[]) =>
  new ModelError('chat_template_malformed', {
    where,
    what: `of the templates ${names.join(', ')} none is named default`,
    hint: 'Name the one to be used "default"',
  });

const refused = (cause: Error) =>
  new ModelError('chat_template_refused', {
    where,
    what: cause instanceof Raised ? cause.message : `it cannot be filled in with this conversation (${cause.message})`,
    hint: 'Send messages as the model was taught to read them',
    cause,
  });
