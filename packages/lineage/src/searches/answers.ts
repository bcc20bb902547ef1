// The table of answers: what versions have been asked before.
import { type AskedQuestion, canonicalJson, type GivenAnswer, givenAnswerSchema, sha256 } from '@errata/contracts';
import { asJson, clientOf, type Db } from '../database/client.ts';

const digestOf = (question: AskedQuestion): string => sha256(canonicalJson(question));

/** What a version answered when it was asked before; null when it was not. */
export async function findAnswer(db: Db, versionId: string, question: AskedQuestion): Promise<GivenAnswer | null> {
  const row = await clientOf(db).answer.findUnique({
    where: { versionId_questionDigest: { versionId, questionDigest: digestOf(question) } },
  });
  // What another build kept otherwise is asked once more.
  return givenAnswerSchema.safeParse(row?.answer).data ?? null;
}

/** Keeps an answer. The first one stays. */
export async function keepAnswer(
  db: Db,
  versionId: string,
  question: AskedQuestion,
  answer: GivenAnswer,
): Promise<void> {
  await clientOf(db).answer.createMany({
    data: [{ versionId, questionDigest: digestOf(question), answer: asJson(answer) }],
    skipDuplicates: true,
  });
}
