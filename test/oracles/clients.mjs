// The clients that clients.py installs, each asked once whole and once in a stream: LangChain and the Vercel AI SDK.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';

const baseURL = `${process.env.ERRATA_URL}/v1`;
const apiKey = process.env.ERRATA_API_KEY;
const prompt = 'The capital of France is';

/** What a client answers must have the capital in it. */
async function ask(name, work) {
  const text = await work();
  if (!text.includes('Paris')) throw new Error(`${name} answered ${JSON.stringify(text)}`);
  console.log(`${name}: ${JSON.stringify(text.slice(0, 60))}`);
}
async function joined(parts, textOf) {
  let text = '';
  for await (const part of parts) text += textOf(part);
  return text;
}

const settings = { model: 'atlas', apiKey, temperature: 0, maxTokens: 6, maxRetries: 0, configuration: { baseURL } };
const chat = new ChatOpenAI(settings);
const completions = new OpenAI(settings);
await ask('LangChain, conversation', async () => (await chat.invoke(prompt)).content);
await ask('LangChain, conversation in a stream', async () =>
  joined(await chat.stream(prompt), ({ content }) => content),
);
await ask('LangChain, text', () => completions.invoke(prompt));
await ask('LangChain, text in a stream', async () => joined(await completions.stream(prompt), (part) => part));

const provider = createOpenAICompatible({ name: 'errata', baseURL, apiKey });
const asked = { prompt, temperature: 0, maxOutputTokens: 6, maxRetries: 0 };
await ask('Vercel AI SDK, conversation', async () => (await generateText({ ...asked, model: provider('atlas') })).text);
await ask('Vercel AI SDK, conversation in a stream', async () =>
  joined(streamText({ ...asked, model: provider('atlas') }).textStream, (part) => part),
);
const wrongKey = createOpenAICompatible({ name: 'errata', baseURL, apiKey: 'no-key' });
await generateText({ ...asked, model: wrongKey('atlas') }).then(
  () => Promise.reject(new Error('a wrong key was accepted')),
  (error) => console.log(`Vercel AI SDK, wrong key: ${error.message}`),
);
