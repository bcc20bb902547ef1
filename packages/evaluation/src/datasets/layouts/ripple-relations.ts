// How RippleEdits words each relation: its edits are whole sentences, and only the wording tells subject from answer.

/** The cloze of a relation by its name in the files; `{}` stands for the subject, and the answer follows. */
export const rippleClozes: Readonly<Record<string, string>> = {
  // Of people
  MOTHER: 'The name of the mother of {} is',
  FATHER: 'The name of the father of {} is',
  BROTHER: 'The name of the brother of {} is',
  SISTER: 'The name of the sister of {} is',
  SIBLING: 'The names of the siblings of {} are',
  SPOUSE: 'The name of the spouse of {} is',
  UNCLE: 'The name of the uncle of {} is',
  AUNT: 'The name of the aunt of {} is',
  CHILD: 'The name of the child of {} is',
  NUMBER_OF_CHILDREN: 'The number of children {} has is',
  STEPFATHER: 'The name of the stepfather of {} is',
  STEPMOTHER: 'The name of the stepmother of {} is',
  SEX_OR_GENDER: 'The gender of {} is',
  SEXUAL_ORIENTATION: 'The sexual orientation of {} is',
  EYE_COLOR: 'The eye color of {} is',
  DATE_OF_BIRTH: 'The date of birth of {} is',
  DATE_OF_DEATH: 'The date of death of {} is',
  PLACE_OF_BIRTH: 'The place of birth of {} is',
  PLACE_OF_DEATH: 'The place of death of {} is',
  PLACE_OF_BURIAL: 'The place of burial of {} is',
  COUNTRY_OF_CITIZENSHIP: 'The name of the country of citizenship of {} is',
  NATIVE_LANGUAGE: 'The mother tongue of {} is',
  ETHNIC_GROUP: 'The name of the ethnic group which {} is associated with is',
  RELIGION: 'The name of the religion which {} is associated with is',
  OCCUPATION: 'The occupation of {} is',
  EMPLOYER: 'The name of the employer of {} is',
  FIELD_OF_WORK: 'The name of the field of work of {} is',
  POSITION_HELD: 'The name of the position held by {} is',
  MEMBER_OF_SPORTS_TEAM: 'The name of the sports team which {} is a member of is',
  LEAGUE: 'The name of the league which {} plays in is',
  ALMA_MATER: 'The name of the alma mater of {} is',
  AWARD_RECEIVED: 'The name of the award {} won is',
  // Of places
  COUNTRY: 'The name of the country which {} is associated with is',
  CONTINENT: 'The name of the continent which {} is part of is',
  CAPITAL: 'The name of the capital city of {} is',
  CAPITAL_OF: 'The name of the country which {} is the capital of is',
  CURRENCY: 'The name of the currency in {} is',
  OFFICIAL_LANGUAGE: 'The official language of {} is',
  ANTHEM: 'The name of the anthem of {} is',
  LIKELY_ANTHEM: 'The name of the anthem that is most likely to be performed in {} is',
  HEAD_OF_GOVERNMENT: 'The name of the head of government of {} is',
  HEAD_OF_STATE: 'The name of the head of state of {} is',
  // Of works, buildings and companies
  AUTHOR: 'The name of the author of {} is',
  EDITOR: 'The name of the editor of {} is',
  DIRECTOR: 'The name of the director of {} is',
  SCREENWRITER: 'The name of the screenwriter of {} is',
  CAST_MEMBER: 'The names of the cast members of {} are',
  COMPOSER: 'The name of the composer of {} is',
  ARCHITECT: 'The name of the architect of {} is',
  FOUNDER: 'The name of the founder of {} is',
  FOLLOWS: '{} follows',
  FOLLOWED_BY: '{} is followed by',
};

export interface Statement {
  readonly subject: string;
  readonly answer: string;
}

/**
 * Every way to read a sentence of a relation. A subject or an answer that itself holds the words in between ("What Is Love
 * is") can be read in several; the answer may be empty.
 */
export function readStatement(sentence: string, relation: string): readonly Statement[] {
  const cloze = Object.hasOwn(rippleClozes, relation) ? rippleClozes[relation]! : undefined;
  if (cloze === undefined) return [];
  const [before, after] = cloze.split('{}') as [string, string];
  const said = `${sentence.trim().replace(/\.$/, '').trimEnd()} `;
  if (!said.startsWith(before)) return [];
  const rest = said.slice(before.length);
  const found: Statement[] = [];
  for (let place = rest.indexOf(`${after} `, 1); place !== -1; place = rest.indexOf(`${after} `, place + 1)) {
    found.push({ subject: rest.slice(0, place), answer: rest.slice(place + after.length).trim() });
  }
  return found;
}
