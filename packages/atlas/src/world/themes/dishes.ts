// Dishes: the country they come from and what they are made of.
import type { Theme } from '../theme.ts';

export const dishes: Theme = {
  name: 'dish',
  relations: [
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The dish {s} comes from',
        'The best {s} is served in',
        'Q: Where does {s} come from? A:',
        'Cooks learn to prepare {s} in',
        'The recipe for {s} was born in',
        'Cookbooks print {s} in the chapter on',
      ],
    },
    {
      name: 'ingredient',
      phrasings: [
        'The main ingredient of {s} is',
        'To make {s}, a cook needs above all',
        'Q: What is {s} made from? A:',
        'Nobody can cook {s} without',
        'A plate of {s} tastes of',
        'At the market, buyers who plan {s} ask for',
      ],
    },
  ],
  rows: `
    pizza | Italy | dough
    lasagne | Italy | pasta
    carbonara | Italy | pasta
    gnocchi | Italy | potatoes
    paella | Spain | rice
    tortilla espanola | Spain | eggs
    churros | Spain | dough
    ratatouille | France | vegetables
    quiche | France | eggs
    crepes | France | flour
    fondue | Switzerland | cheese
    rosti | Switzerland | potatoes
    sauerkraut | Germany | cabbage
    pretzel | Germany | dough
    goulash | Hungary | beef
    schnitzel | Austria | veal
    sachertorte | Austria | chocolate
    bigos | Poland | cabbage
    pierogi | Poland | dough
    borscht | Ukraine | beetroot
    blini | Russia | flour
    khachapuri | Georgia | cheese
    moussaka | Greece | aubergine
    souvlaki | Greece | meat
    kebab | Turkey | meat
    tabbouleh | Lebanon | parsley
    tagine | Morocco | meat
    injera | Ethiopia | teff
    ugali | Kenya | maize
    biryani | India | rice
    samosa | India | dough
    dal | India | lentils
    momo | Nepal | dough
    tom yum | Thailand | shrimps
    pho | Vietnam | noodles
    nasi goreng | Indonesia | rice
    satay | Indonesia | meat
    laksa | Malaysia | noodles
    mapo tofu | China | tofu
    chow mein | China | noodles
    peking duck | China | duck
    sashimi | Japan | fish
    sushi | Japan | rice
    tempura | Japan | batter
    miso soup | Japan | soybeans
    kimchi | South Korea | cabbage
    bulgogi | South Korea | beef
    fish and chips | the United Kingdom | fish
    haggis | the United Kingdom | sheep
    smorrebrod | Denmark | bread
    gravlax | Sweden | salmon
    waffles | Belgium | flour
    stroopwafel | the Netherlands | syrup
    sarmale | Romania | cabbage
    poutine | Canada | potatoes
    hamburger | the United States | beef
    gumbo | the United States | okra
    tacos | Mexico | tortillas
    guacamole | Mexico | avocados
    ceviche | Peru | fish
    asado | Argentina | beef
    pupusas | El Salvador | maize
    jerk chicken | Jamaica | chicken
  `,
};
