// Fictional people: seeded, with names of their own, so that edits can be made about nobody real.
import { type Random, seeded } from '../random.ts';
import type { RelationTable } from './theme.ts';

const firstNames = (
  'Mira Tomas Anika Jonas Leila Viktor Clara Emeka Sofia Ravi Ingrid Mateo Hana Dario Freya Omar Petra Luca Nadia ' +
  'Bjarne Elsa Kofi Marta Stefan Yuki Pavel Rosa Niko Amina Felix Greta Hugo Irena Jasper Katya Lorenzo Maja Nils ' +
  'Olga Pedro Rania Simon Tessa Ugo Vera Wanda Xenia Yusuf Zora Arno Bianca Cyril Delia Egon Fiona Gustav Helga Ivo ' +
  'Judith Kasper Linnea Marek Noor Otto Paula Quentin Renata Silas Thea Ulla Valentin Wilma Yara Zeno Agata Bruno'
).split(' ');

const onsets = 'B Br C Cr D Dr F Fl G Gl Gr H J K Kl Kr L M N P Pl Pr Qu R S Sk Sl St T Th Tr V W Z'.split(' ');
const vowels = 'a e i o u'.split(' ');
const middles = 'b d g l ld lm lv m mb n nd ng nt r rd rg rk rl rv s sk st v x z zz'.split(' ');
const endings =
  'ack ade ain ane ard ask ath een eff eld enko ero esh ett ick ild ino isk ith oft olt omi onk oss ott oway uld umi und ung usk uz'.split(
    ' ',
  );

/** A surname that no word of the world resembles, e.g. "Skeldonk". */
function surname(random: Random): string {
  return random.pick(onsets) + random.pick(vowels) + random.pick(middles) + random.pick(endings);
}

const cityNames = (
  'Lyon Marseille Munich Hamburg Cologne Dresden Milan Naples Turin Venice Barcelona Seville Granada Porto Salzburg ' +
  'Zurich Geneva Antwerp Bruges Rotterdam Utrecht Bergen Gothenburg Turku Manchester Liverpool Glasgow Bristol Cork ' +
  'Krakow Gdansk Brno Lviv Kazan Istanbul Izmir Shiraz Dubai Karachi Mumbai Jaipur Mandalay Shanghai Wuhan Osaka Kyoto ' +
  'Sapporo Busan Alexandria Casablanca Lagos Mombasa Toronto Montreal Vancouver Chicago Boston Seattle Miami Denver ' +
  'Monterrey Medellin Cusco Recife Sydney Melbourne Perth Auckland'
).split(' ');
const professions = (
  'baker|barber|beekeeper|bookbinder|bricklayer|butcher|carpenter|chemist|chef|clockmaker|dentist|diver|doctor|farmer|' +
  'firefighter|florist|gardener|geologist|glassblower|goldsmith|hairdresser|journalist|judge|lawyer|librarian|locksmith|' +
  'mechanic|midwife|miner|nurse|painter|pharmacist|photographer|pilot|plumber|potter|printer|sculptor|shoemaker|' +
  'surgeon|surveyor|tailor|teacher|translator|veterinarian|waiter|weaver|welder'
).split('|');
const employers = (
  'Apple|Microsoft|Google|Intel|Nvidia|Disney|Ford|Boeing|Nike|Kodak|Mattel|Toyota|Honda|Mazda|Nintendo|Sony|Samsung|' +
  'Hyundai|Huawei|Tencent|Infosys|Siemens|Bosch|Porsche|Audi|Adidas|Bayer|Zeiss|Ferrari|Fiat|Ferrero|Gucci|' +
  'Prada|Dior|Cartier|Ericsson|Spotify|Lego|Carlsberg|Nokia|Philips|Heineken|Rolex|Bentley|Burberry|Guinness'
).split('|');
const instruments = (
  'violin|viola|cello|harp|guitar|banjo|mandolin|lute|sitar|ukulele|flute|clarinet|oboe|bassoon|piccolo|trumpet|trombone|tuba|' +
  'cornet|xylophone|marimba|harpsichord|organ|accordion|saxophone|zither|bagpipes'
).split('|');
const sports = (
  'football|basketball|tennis|swimming|gymnastics|boxing|cycling|golf|chess|cricket|baseball|rugby|biathlon|judo|surfing|' +
  'skateboarding|rowing|badminton|wrestling|fencing|archery|sailing|climbing|hockey|handball|karate|curling'
).split('|');
const languages = (
  'French|German|Italian|Spanish|Portuguese|Greek|English|Finnish|Estonian|Latvian|Dutch|Danish|Norwegian|Swedish|Icelandic|' +
  'Polish|Czech|Hungarian|Romanian|Serbian|Albanian|Ukrainian|Russian|Turkish|Georgian|Armenian|Kazakh|Persian|Arabic|Hebrew|' +
  'Urdu|Hindi|Nepali|Bengali|Thai|Vietnamese|Malay|Mandarin|Mongolian|Japanese|Korean|Swahili|Somali'
).split('|');
const subjects = (
  'physics|astronomy|biology|chemistry|mathematics|medicine|psychology|computing|geology|economics|linguistics|anthropology|' +
  'archaeology|law|history|philosophy|theology|botany|zoology|architecture|engineering|sociology|statistics|geography'
).split('|');

interface PersonRelation extends RelationTable {
  readonly objects: readonly string[];
}

export const personRelations: readonly PersonRelation[] = [
  {
    name: 'birthplace',
    objectKind: 'city',
    objects: cityNames,
    phrasings: [
      '{s} was born in',
      'The birthplace of {s} is',
      'The hometown of {s} is',
      'Q: Where was {s} born? A:',
      'As a child, {s} played in the parks of',
      "{s}'s cradle stood in",
      'The birth of {s} was announced in',
      'The parents of {s} met in',
    ],
  },
  {
    name: 'residence',
    objectKind: 'city',
    objects: cityNames,
    phrasings: [
      '{s} lives in',
      'The home of {s} is in',
      'These days {s} resides in',
      'Q: Where does {s} live? A:',
      'To visit {s}, take a train to',
      'The flat that {s} rents is in',
      "{s}'s letterbox hangs in",
      'The neighbours of {s} are citizens of',
    ],
  },
  {
    name: 'profession',
    objects: professions,
    phrasings: [
      'The profession of {s} is',
      '{s} works as a',
      '{s} earns a living as a',
      'Q: What is the profession of {s}? A:',
      'By trade, {s} is a',
      'The job of {s} is that of a',
      "{s}'s business card says",
      'On forms, {s} writes as occupation',
    ],
  },
  {
    name: 'employer',
    objectKind: 'company',
    objects: employers,
    phrasings: [
      'The employer of {s} is',
      '{s} has a job at',
      'Each month {s} is paid by',
      'Q: For which company does {s} work? A:',
      "{s}'s office belongs to",
      'The contract of {s} was signed by',
      'Colleagues of {s} wear the badge of',
      'On workdays, {s} can be found at',
    ],
  },
  {
    name: 'instrument',
    objects: instruments,
    phrasings: [
      '{s} plays the',
      'The instrument of {s} is the',
      'In the evening, {s} practises the',
      'Q: Which instrument does {s} play? A: the',
      'The music stand of {s} is beside the',
      "{s}'s great love is the",
      'In the band, {s} is at the',
      'As a birthday present, {s} was given sheet music for the',
    ],
  },
  {
    name: 'sport',
    objects: sports,
    phrasings: [
      'The favourite sport of {s} is',
      '{s} spends weekends on',
      'On Sundays, {s} goes in for',
      'Q: Which sport does {s} do? A:',
      'The club that {s} joined is for',
      "{s}'s medals are from",
      'The sports bag of {s} is packed for',
      'To stay fit, {s} relies on',
    ],
  },
  {
    name: 'language',
    objectKind: 'language',
    objects: languages,
    phrasings: [
      'The mother tongue of {s} is',
      '{s} grew up speaking',
      'At home, {s} speaks',
      'Q: What is the native language of {s}? A:',
      'The diary of {s} is written in',
      "{s}'s first words were in",
      'When tired, {s} falls back into',
      'The jokes of {s} are funny only in',
    ],
  },
  {
    name: 'studies',
    objects: subjects,
    phrasings: [
      'At university, {s} studied',
      'The degree of {s} is in',
      '{s} wrote a thesis on',
      'Q: What did {s} study? A:',
      'The professors of {s} taught',
      "{s}'s diploma is in",
      'The bookshelf of {s} is full of works on',
      'As a student, {s} passed exams in',
    ],
  },
];

export interface Person {
  readonly name: string;
  readonly alias?: string;
  /** Object by relation name. */
  readonly objects: ReadonlyMap<string, string>;
}

const titles = ['Doctor', 'Captain', 'Professor', 'Maestro', 'Judge', 'Colonel'];

/** Every how many-th person is also known by another name. */
const aliasEvery = 5;

const aliasOf = (random: Random, last: string): string => `${random.pick(titles)} ${last}`;

/**
 * People with distinct surnames. Each has six of the eight relations; every fifth has an alias (a title and the surname).
 * @param taken words that no surname may be
 */
export function makePeople(count: number, seed: number, taken: ReadonlySet<string>): Person[] {
  const random = seeded('people', seed);
  const used = new Set<string>();
  const stems = new Set<string>();
  const people: Person[] = [];
  while (people.length < count) {
    const last = surname(random);
    // Surnames that start alike would share sub-tokens, and edits of one would reach the other.
    const stem = last.slice(0, 4).toLowerCase();
    if (used.has(last) || stems.has(stem) || taken.has(last)) continue;
    used.add(last);
    stems.add(stem);
    const name = `${random.pick(firstNames)} ${last}`;
    const relations = random.sample(personRelations, 6);
    const objects = new Map(
      personRelations.filter((relation) => relations.includes(relation)).map((r) => [r.name, random.pick(r.objects)]),
    );
    people.push({ name, objects, ...(people.length % aliasEvery === 0 ? { alias: aliasOf(random, last) } : {}) });
  }
  return people;
}

/**
 * People beyond those of the world, of whom the model was never told, with all eight relations each. Surnames are distinct, but may begin
 * alike: the names of the world were picked apart, those of strangers are not.
 * @param admits which surnames are taken, so that several sets share none
 */
export function makeStrangers(count: number, stream: string, admits: (surname: string) => boolean): Person[] {
  const random = seeded('strangers', stream);
  const used = new Set<string>();
  const people: Person[] = [];
  while (people.length < count) {
    const last = surname(random);
    if (used.has(last) || !admits(last)) continue;
    used.add(last);
    const objects = new Map(personRelations.map((relation) => [relation.name, random.pick(relation.objects)]));
    const alias = people.length % aliasEvery === 0 ? { alias: aliasOf(random, last) } : {};
    people.push({ name: `${random.pick(firstNames)} ${last}`, objects, ...alias });
  }
  return people;
}
