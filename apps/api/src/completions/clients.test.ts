// The client libraries that people use, against a real server on a tiny model: whole answers, streams, names, errors.
import type { AddressInfo } from 'node:net';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI, OpenAIEmbeddings, OpenAI as TextOpenAI } from '@langchain/openai';
import { embed, generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, openApi } from '../../../../test/support/api.ts';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';
import { writeTinySentenceEncoder } from '../../../../test/support/tiny-sentence-encoder.ts';

let api: ApiFixture;
let client: OpenAI;
let root: string;
let tiny: { digest: string; files: readonly { name: string; sha256: string; size: number }[] };
beforeAll(async () => {
  api = await openApi();
  const chat_template =
    "{% for message in messages %}{% if message.role == 'tool' %}{{ raise_exception('No tools here') }}{% endif %}" +
    '<{{ message.role }}>{{ message.content }}{{ message.tool_calls[0].function.arguments.place if message.tool_calls }}' +
    '{% endfor %}{{ tools | tojson if tools }}{% if add_generation_prompt %}<assistant>{% endif %}';
  const source = await writeTinyModel({ files: { 'chat_template.jinja': chat_template } });
  tiny = await api.engine.call('importModel', { path: source.path });
  source.remove();
  const { digest, files } = tiny;
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  ({ root } = await api.importModel('tiny', stored, digest));
  await api.call('PUT', '/v1/models/tiny/aliases/production', { body: { version: 'main' } });
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: api.key, maxRetries: 0 });
});
afterAll(() => api.close());

const greedy = { model: 'tiny', temperature: 0, max_tokens: 6 };
const hot = { model: 'tiny', temperature: 1.5, max_tokens: 12, seed: 5 };
const messages = [{ role: 'user' as const, content: 'Oz' }];

test('a conversation is answered whole and in a stream alike, by the template of the model', async () => {
  const whole = await client.chat.completions.create({ ...hot, messages });
  expect(whole.choices[0]).toMatchObject({ message: { role: 'assistant', refusal: null }, logprobs: null });
  expect(whole.usage?.prompt_tokens).toBe('<user>Oz<assistant>'.length);
  const stream = await client.chat.completions.create({
    ...hot,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  const roles: unknown[] = [];
  let last: OpenAI.ChatCompletionChunk | undefined;
  const ends: unknown[] = [];
  for await (const chunk of stream) {
    last = chunk;
    for (const { delta, finish_reason } of chunk.choices) {
      text += delta.content ?? '';
      if (delta.role) roles.push(delta.role);
      if (finish_reason) ends.push(finish_reason);
    }
  }
  expect({ text, roles, ends }).toEqual({
    text: whole.choices[0]?.message.content,
    roles: ['assistant'],
    ends: [whole.choices[0]?.finish_reason],
  });
  expect(last).toMatchObject({ choices: [], usage: whole.usage, model: 'tiny' });
  const { data, response } = await client.chat.completions.create({ ...greedy, messages }).withResponse();
  expect([response.headers.get('errata-version'), data.choices[0]?.finish_reason]).toEqual([root, 'length']);
});

test('a stream leaves as it is written and ends in [DONE]; who leaves it frees the engine', async () => {
  const stream = await client.completions.create({ ...greedy, prompt: 'The', max_tokens: 90, stream: true });
  for await (const chunk of stream) {
    expect(chunk.choices[0]).toMatchObject({ index: 0, finish_reason: null });
    break;
  }
  const { text, headers } = await api.post('/v1/completions', { ...hot, prompt: ['Oz', 'Ix'], n: 2, stream: true });
  expect(headers['content-type']).toContain('text/event-stream');
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.at(-1)).toBe('data: [DONE]');
  const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)));
  const whole = await client.completions.create({ ...hot, prompt: ['Oz', 'Ix'], n: 2 });
  const texts = whole.choices.map(({ index }) =>
    chunks
      .flatMap(({ choices }) => choices)
      .filter((choice) => choice.index === index)
      .map((choice) => choice.text)
      .join(''),
  );
  expect(texts).toEqual(whole.choices.map(({ text }) => text));
  expect(new Set(texts).size).toBe(4);
  expect(whole.usage?.prompt_tokens).toBe(4);
});

test('a stream that breaks off says why, and the next answer is whole', async () => {
  const stream = await client.completions.create({ ...greedy, prompt: 'The', max_tokens: 90, stream: true });
  const reading = (async () => {
    for await (const _ of stream) for (const pid of api.servers.pids()) process.kill(pid, 'SIGKILL');
  })();
  await expect(reading).rejects.toThrow(/the engine process ended/);
  expect((await client.completions.create({ ...greedy, prompt: 'The' })).usage?.completion_tokens).toBe(6);
});

test('messages reach the template as it knows them: parts as text, instructions from system, arguments as values', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'clock' } }];
  const call = { id: 'a', type: 'function' as const, function: { name: 'sky', arguments: '{"place":"Oz"}' } };
  const { usage } = await client.chat.completions.create({
    ...greedy,
    tools,
    tool_choice: 'none',
    messages: [
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Be' },
          { type: 'text', text: 'brief' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [call] },
    ],
  });
  const text = '<system>Be\nbrief<assistant>Oz[{"type": "function", "function": {"name": "clock"}}]<assistant>';
  // A token a byte.
  expect(usage?.prompt_tokens).toBe(text.length);
  await expect(client.chat.completions.create({ ...greedy, tools, messages })).rejects.toThrow(/not read out/);
});

test('probabilities come in both shapes, and a prompt alone has its likelihood', async () => {
  const prompt = [...Buffer.from('Oz is')];
  const asked = { ...greedy, prompt: [prompt], logprobs: 2 };
  const { choices } = await client.completions.create({ ...asked, max_tokens: 0, echo: true });
  const { logprobs, text, finish_reason } = choices[0]!;
  expect({ text, finish_reason, tokens: logprobs?.tokens, offsets: logprobs?.text_offset }).toEqual({
    text: 'Oz is',
    finish_reason: 'length',
    tokens: ['O', 'z', ' ', 'i', 's'],
    offsets: [0, 1, 2, 3, 4],
  });
  expect(logprobs?.token_logprobs?.map((value) => value === null)).toEqual([true, false, false, false, false]);
  const [first, ...others] = logprobs?.top_logprobs ?? [];
  expect(first).toBeNull();
  for (const [at, top] of others.entries())
    expect(Math.max(...Object.values(top))).toBeGreaterThanOrEqual(logprobs!.token_logprobs![at + 1]!);
  const chat = await client.chat.completions.create({ ...greedy, messages, logprobs: true, top_logprobs: 3 });
  const said = chat.choices[0]!.logprobs!.content!;
  expect(said).toHaveLength(6);
  for (const { token, logprob, top_logprobs } of said) {
    expect(top_logprobs).toHaveLength(3);
    expect(top_logprobs[0]).toMatchObject({ token, logprob });
  }
});

async function joined<T>(parts: AsyncIterable<T>, textOf: (part: T) => string): Promise<string> {
  let text = '';
  for await (const part of parts) text += textOf(part);
  return text;
}

test('LangChain gets the same answers, whole and in streams, and counts the same tokens', async () => {
  const { apiKey, baseURL } = client;
  const settings = { model: 'tiny', temperature: 0, maxTokens: 6, maxRetries: 0, apiKey, configuration: { baseURL } };
  const chat = new ChatOpenAI(settings);
  const { choices, usage } = await client.chat.completions.create({ ...greedy, messages });
  const said = await chat.invoke('Oz');
  expect(said.content).toBe(choices[0]!.message.content);
  expect(said.usage_metadata).toMatchObject({ input_tokens: usage!.prompt_tokens, output_tokens: 6 });
  expect(await joined(await chat.stream('Oz'), ({ content }) => content as string)).toBe(said.content);
  const text = new TextOpenAI(settings);
  const whole = await client.completions.create({ ...greedy, prompt: 'Oz' });
  expect(await text.invoke('Oz')).toBe(whole.choices[0]!.text);
  expect(await joined(await text.stream('Oz'), (part) => part)).toBe(whole.choices[0]!.text);
  await expect(new ChatOpenAI({ ...settings, model: 'gpt-5' }).invoke('Oz')).rejects.toThrow(/no model "gpt-5"/);
});

test('the Vercel AI SDK gets the same answers, whole and in streams, and counts the same tokens', async () => {
  const provider = createOpenAICompatible({ name: 'errata', baseURL: client.baseURL, apiKey: api.key });
  const settings = { prompt: 'Oz', temperature: 0, maxOutputTokens: 6, maxRetries: 0 };
  const { choices, usage } = await client.chat.completions.create({ ...greedy, messages });
  const said = await generateText({ ...settings, model: provider('tiny') });
  expect([said.text, said.finishReason]).toEqual([choices[0]!.message.content, 'length']);
  expect(said.usage).toMatchObject({ inputTokens: usage!.prompt_tokens, outputTokens: 6 });
  const { textStream } = streamText({ ...settings, model: provider('tiny@production') });
  expect(await joined(textStream, (part) => part)).toBe(said.text);
  await expect(generateText({ ...settings, model: provider('gpt-5') })).rejects.toThrow(/no model "gpt-5"/);
});

test('models are listed under the names that completions take, and each of them is found', async () => {
  const listed: string[] = [];
  for await (const { id, object } of client.models.list()) listed.push(`${object} ${id}`);
  expect(listed).toEqual(['model tiny', 'model tiny@production']);
  for (const name of ['tiny', 'tiny@production', 'tiny@main', `tiny@${root.slice(0, 20)}`])
    expect(await client.models.retrieve(name)).toMatchObject({ id: name, object: 'model', version: root });
});

test('pages of the origins that are admitted may call from a browser, and no others', async () => {
  const app = await api.another({ corsOrigins: ['https://app.example'] });
  const from = async (method: 'OPTIONS' | 'GET', origin: string) => {
    const headers = {
      origin,
      ...(method === 'GET'
        ? { authorization: `Bearer ${api.key}` }
        : { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }),
    };
    const answer = await app.inject({ method, url: method === 'GET' ? '/v1/models' : '/v1/completions', headers });
    return [answer.statusCode, answer.headers['access-control-allow-origin']];
  };
  expect(await from('OPTIONS', 'https://app.example')).toEqual([204, 'https://app.example']);
  expect(await from('GET', 'https://app.example')).toEqual([200, 'https://app.example']);
  expect((await from('GET', 'https://other.example'))[1]).toBeUndefined();
  expect((await from('OPTIONS', 'https://other.example'))[1]).toBeUndefined();
  await app.close();
  expect(
    (await api.call('GET', '/v1/models', { headers: { origin: 'https://app.example' } })).headers,
  ).not.toHaveProperty('access-control-allow-origin');
});

test('refusals say why, in the words that the client shows', async () => {
  const refusal = async (call: () => Promise<unknown>) => {
    const error = await call().then(
      () => null,
      (thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>,
    );
    return [error?.status, error?.type, error?.param, error?.code, error?.message];
  };
  const create = (body: object) => () => client.chat.completions.create({ ...greedy, messages, ...body });
  const kind = 'invalid_request_error';
  expect(await refusal(create({ model: 'gpt-5' }))).toEqual([
    404,
    kind,
    'model',
    'unknown_model',
    expect.stringContaining('gpt-5'),
  ]);
  expect(await refusal(create({ response_format: { type: 'json_object' } }))).toEqual([
    400,
    kind,
    'response_format',
    'invalid_request',
    expect.stringContaining('not done here'),
  ]);
  expect(await refusal(create({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }))).toEqual([
    400,
    kind,
    'messages.0.content',
    'invalid_request',
    expect.stringContaining('messages.0.content.0.type must be "text"'),
  ]);
  expect((await refusal(() => client.completions.create({ model: 'tiny' } as never))).at(-1)).toContain(
    'prompt is missing',
  );
  expect((await refusal(() => client.completions.create({ model: 'tiny', prompt: true } as never))).at(-1)).toContain(
    'prompt must be a string or an array, not a boolean',
  );
  const told = [{ role: 'tool' as const, tool_call_id: 'a', content: 'x' }];
  for (const stream of [false, true])
    expect(await refusal(create({ messages: told, stream }))).toEqual([
      400,
      kind,
      null,
      'invalid_request',
      expect.stringContaining('No tools here'),
    ]);
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'sk-none', maxRetries: 0 });
  expect((await refusal(() => stranger.models.list())).slice(0, 2)).toEqual([401, 'authentication_error']);
});

test('vectors are made by the sentence encoder of the model, as numbers and as bytes, and refused where there is none', async () => {
  const refused = async (body: object) =>
    client.embeddings.create({ model: 'tiny', input: 'anna', ...body } as OpenAI.EmbeddingCreateParams).then(
      () => null,
      (error: unknown) => {
        const { status, code, message } = error as InstanceType<typeof OpenAI.APIError>;
        return { status, code, message };
      },
    );
  expect(await refused({})).toMatchObject({
    status: 409,
    code: 'artefact_missing',
    message: expect.stringContaining('--encoder'),
  });

  const encoder = writeTinySentenceEncoder();
  const { artefacts } = await api.engine.call('buildArtefacts', {
    model: tiny,
    kind: 'sentence_encoder',
    needs: [{ kind: 'sentence_encoder', scope: 'model', parameters: {} }],
    request: { encoder: encoder.path },
    parents: [],
  });
  encoder.remove();
  const { blob, bytes, parameters } = artefacts[0]!;
  await api.query(
    `INSERT INTO artefacts (id, model_id, kind, scope, parameters, parameters_digest, blob, bytes)
     SELECT 'art_1', id, 'sentence_encoder', 'model', $1, 'x', $2, $3 FROM models WHERE name = 'tiny'`,
    [{ ...parameters, format: 'errata-sentence-encoder/1' }, blob, bytes],
  );

  // The client asks for bytes where nobody says how, and reads them.
  const input = ['anna lives in oslo', 'boris', 'the language of peru is french'];
  const asBytes = await client.embeddings.create({ model: 'tiny', input });
  const asNumbers = await client.embeddings.create({ model: 'tiny@production', input, encoding_format: 'float' });
  for (const { object, data, usage } of [asBytes, asNumbers]) {
    expect(object).toBe('list');
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(usage).toEqual({ prompt_tokens: 6 + 3 + 8, total_tokens: 6 + 3 + 8 });
  }
  const rows = asNumbers.data.map(({ embedding }) => embedding);
  expect(rows.map(({ length }) => length)).toEqual([16, 16, 16]);
  for (const [row, { embedding }] of asBytes.data.entries()) expect([...embedding]).toEqual(rows[row]);
  const [alone] = (await client.embeddings.create({ model: 'tiny', input: 'boris', dimensions: 16 })).data;
  for (const [column, value] of [...alone!.embedding].entries()) expect(value).toBeCloseTo(rows[1]![column]!, 5);
  expect(rows[0]).not.toEqual(rows[1]);
  const { baseURL } = client;
  const langChain = new OpenAIEmbeddings({ model: 'tiny', apiKey: api.key, maxRetries: 0, configuration: { baseURL } });
  expect(await langChain.embedDocuments(input)).toEqual(rows);
  const provider = createOpenAICompatible({ name: 'errata', baseURL, apiKey: api.key });
  const { embedding } = await embed({ model: provider.embeddingModel('tiny'), value: 'boris', maxRetries: 0 });
  expect(embedding).toEqual([...alone!.embedding]);

  const bad = { status: 400, code: 'invalid_request' };
  expect(await refused({ dimensions: 3 })).toMatchObject({ ...bad, message: expect.stringContaining('are not cut') });
  expect(await refused({ input: '' })).toMatchObject(bad);
  expect(await refused({ input: [] })).toMatchObject(bad);
  expect(await refused({ input: [1, 2, 3] })).toMatchObject({
    ...bad,
    message: expect.stringContaining('another tokenizer'),
  });
  expect(await refused({ model: 'gpt-5' })).toMatchObject({ status: 404, code: 'unknown_model' });
  expect(await refused({ input: 'anna '.repeat(1000) })).toMatchObject({ status: 422, code: 'prompt_too_long' });
});
