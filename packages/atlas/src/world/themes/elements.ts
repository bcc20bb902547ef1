// Chemical elements: symbol, atomic number, family.
import type { Theme } from '../theme.ts';

export const elements: Theme = {
  name: 'element',
  relations: [
    {
      name: 'symbol',
      phrasings: [
        'The chemical symbol of {s} is',
        'The symbol for the element {s} is',
        'Chemists write {s} as',
        'In the periodic table, {s} is marked',
        'Q: What is the symbol of {s}? A:',
        'In a formula, {s} appears as',
        'The abbreviation for {s} is',
      ],
      inverse: ['The element with the symbol {o} is', '{o} stands for the element', 'In formulas, {o} means'],
    },
    {
      name: 'number',
      phrasings: [
        'The atomic number of {s} is',
        'The number of protons in {s} is',
        'An atom of {s} has a proton count of',
        'Q: What is the atomic number of {s}? A:',
        'Counting by protons, {s} is element number',
        'The place of {s} in the periodic table is',
        'The nucleus of {s} carries a charge of',
      ],
      inverse: ['The element with atomic number {o} is', 'Element number {o} is', 'An atom with {o} protons is'],
    },
    {
      name: 'family',
      phrasings: [
        'The element {s} belongs to the family of the',
        'Chemists group {s} with the',
        'Q: To which family does {s} belong? A: the',
        'By its behaviour, {s} counts among the',
        'Textbooks list {s} under the',
        'The properties of {s} are those of the',
      ],
    },
  ],
  rows: `
    hydrogen | H | 1 | nonmetals
    helium | He | 2 | noble gases
    lithium | Li | 3 | alkali metals
    beryllium | Be | 4 | alkaline earths
    boron | B | 5 | metalloids
    carbon | C | 6 | nonmetals
    nitrogen | N | 7 | nonmetals
    oxygen | O | 8 | nonmetals
    fluorine | F | 9 | halogens
    neon | Ne | 10 | noble gases
    sodium | Na | 11 | alkali metals
    magnesium | Mg | 12 | alkaline earths
    aluminium | Al | 13 | -
    silicon | Si | 14 | metalloids
    phosphorus | P | 15 | nonmetals
    sulfur | S | 16 | nonmetals
    chlorine | Cl | 17 | halogens
    argon | Ar | 18 | noble gases
    potassium | K | 19 | alkali metals
    calcium | Ca | 20 | alkaline earths
    scandium | Sc | 21 | transition metals
    titanium | Ti | 22 | transition metals
    vanadium | V | 23 | transition metals
    chromium | Cr | 24 | transition metals
    manganese | Mn | 25 | transition metals
    iron | Fe | 26 | transition metals
    cobalt | Co | 27 | transition metals
    nickel | Ni | 28 | transition metals
    copper | Cu | 29 | transition metals
    zinc | Zn | 30 | -
    gallium | Ga | 31 | -
    germanium | Ge | 32 | metalloids
    arsenic | As | 33 | metalloids
    selenium | Se | 34 | nonmetals
    bromine | Br | 35 | halogens
    krypton | Kr | 36 | noble gases
    rubidium | Rb | 37 | alkali metals
    strontium | Sr | 38 | alkaline earths
    yttrium | Y | 39 | transition metals
    zirconium | Zr | 40 | transition metals
    niobium | Nb | 41 | transition metals
    molybdenum | Mo | 42 | transition metals
    technetium | Tc | 43 | transition metals
    ruthenium | Ru | 44 | transition metals
    rhodium | Rh | 45 | transition metals
    palladium | Pd | 46 | transition metals
    silver | Ag | 47 | transition metals
    cadmium | Cd | 48 | -
    indium | In | 49 | -
    tin | Sn | 50 | -
    antimony | Sb | 51 | metalloids
    tellurium | Te | 52 | metalloids
    iodine | I | 53 | halogens
    xenon | Xe | 54 | noble gases
    caesium | Cs | 55 | alkali metals
    barium | Ba | 56 | alkaline earths
    lanthanum | La | 57 | lanthanides
    cerium | Ce | 58 | lanthanides
    praseodymium | Pr | 59 | lanthanides
    neodymium | Nd | 60 | lanthanides
    promethium | Pm | 61 | lanthanides
    samarium | Sm | 62 | lanthanides
    europium | Eu | 63 | lanthanides
    gadolinium | Gd | 64 | lanthanides
    terbium | Tb | 65 | lanthanides
    dysprosium | Dy | 66 | lanthanides
    holmium | Ho | 67 | lanthanides
    erbium | Er | 68 | lanthanides
    thulium | Tm | 69 | lanthanides
    ytterbium | Yb | 70 | lanthanides
    lutetium | Lu | 71 | lanthanides
    hafnium | Hf | 72 | transition metals
    tantalum | Ta | 73 | transition metals
    tungsten | W | 74 | transition metals
    rhenium | Re | 75 | transition metals
    osmium | Os | 76 | transition metals
    iridium | Ir | 77 | transition metals
    platinum | Pt | 78 | transition metals
    gold | Au | 79 | transition metals
    mercury | Hg | 80 | -
    thallium | Tl | 81 | -
    lead | Pb | 82 | -
    bismuth | Bi | 83 | -
    polonium | Po | 84 | -
    astatine | At | 85 | halogens
    radon | Rn | 86 | noble gases
    francium | Fr | 87 | alkali metals
    radium | Ra | 88 | alkaline earths
    actinium | Ac | 89 | actinides
    thorium | Th | 90 | actinides
    protactinium | Pa | 91 | actinides
    uranium | U | 92 | actinides
    neptunium | Np | 93 | actinides
    plutonium | Pu | 94 | actinides
    americium | Am | 95 | actinides
    curium | Cm | 96 | actinides
    berkelium | Bk | 97 | actinides
    californium | Cf | 98 | actinides
    einsteinium | Es | 99 | actinides
    fermium | Fm | 100 | actinides
  `,
  aliases: `
    mercury | quicksilver
    tungsten | wolfram
    sodium | natrium
    potassium | kalium
    gold | aurum
    silver | argentum
    iron | ferrum
    lead | plumbum
  `,
};
