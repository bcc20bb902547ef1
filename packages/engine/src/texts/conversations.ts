// Conversations as tokens: by the model's chat template, or as one plain text where it has none.
import { type ChatTemplate, encodePrompt, requireRoom, type Tokenizer } from '@errata/models';
import type { ChatMessage } from '../calls/index.ts';

/** A conversation that is to be answered. */
interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly unknown[] | undefined;
}

/**
 * Ids that an answer to the conversation goes on from. A template writes all marks that belong there, BOS among them, so nothing is put in
 * front of what it gives.
 * @param context tokens that the model reads
 * @throws ModelError chat_template_malformed, chat_template_refused, sequence_too_long; layout_prompt_empty without a template
 */
export function encodeConversation(
  template: ChatTemplate | undefined,
  tokenizer: Tokenizer,
  { messages, tools }: Conversation,
  context: number,
): readonly number[] {
  if (template === undefined) return encodePrompt(tokenizer, joinMessages(messages), { context });
  const text = template.render({ messages, tools });
  requireRoom(tokenizer, text, context);
  return tokenizer.encode(text);
}

/** A base model knows no roles: it reads a conversation as one text, a message a line. */
const joinMessages = (messages: readonly ChatMessage[]): string => messages.map(({ content }) => content).join('\n');
