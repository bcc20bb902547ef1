// Cities that are no capitals: their country.
import type { Theme } from '../theme.ts';

export const cities: Theme = {
  name: 'city',
  relations: [
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The city of {s} is in',
        '{s} is a city in',
        'Q: In which country is {s}? A:',
        'Whoever visits {s} has to travel to',
        'The airport of {s} serves a region of',
        "{s}'s inhabitants are citizens of",
        'The streets of {s} belong to the country of',
        'To see {s}, book a flight to',
      ],
    },
  ],
  rows: `
    Adelaide | Australia
    Brisbane | Australia
    Melbourne | Australia
    Perth | Australia
    Sydney | Australia
    Salzburg | Austria
    Antwerp | Belgium
    Bruges | Belgium
    Ghent | Belgium
    Recife | Brazil
    Montreal | Canada
    Toronto | Canada
    Vancouver | Canada
    Chengdu | China
    Guangzhou | China
    Harbin | China
    Shanghai | China
    Shenzhen | China
    Wuhan | China
    Cali | Colombia
    Medellin | Colombia
    Dubrovnik | Croatia
    Brno | Czechia
    Alexandria | Egypt
    Luxor | Egypt
    Turku | Finland
    Bordeaux | France
    Lyon | France
    Marseille | France
    Strasbourg | France
    Toulouse | France
    Cologne | Germany
    Dresden | Germany
    Hamburg | Germany
    Heidelberg | Germany
    Munich | Germany
    Thessaloniki | Greece
    Agra | India
    Chennai | India
    Hyderabad | India
    Jaipur | India
    Kolkata | India
    Mumbai | India
    Shiraz | Iran
    Mosul | Iraq
    Cork | Ireland
    Galway | Ireland
    Haifa | Israel
    Florence | Italy
    Milan | Italy
    Naples | Italy
    Palermo | Italy
    Turin | Italy
    Venice | Italy
    Verona | Italy
    Fukuoka | Japan
    Kyoto | Japan
    Nagasaki | Japan
    Osaka | Japan
    Sapporo | Japan
    Mombasa | Kenya
    Benghazi | Libya
    Timbuktu | Mali
    Monterrey | Mexico
    Tijuana | Mexico
    Casablanca | Morocco
    Fez | Morocco
    Mandalay | Myanmar
    Auckland | New Zealand
    Lagos | Nigeria
    Bergen | Norway
    Karachi | Pakistan
    Lahore | Pakistan
    Cusco | Peru
    Gdansk | Poland
    Krakow | Poland
    Porto | Portugal
    Kazan | Russia
    Saint Petersburg | Russia
    Vladivostok | Russia
    Mecca | Saudi Arabia
    Busan | South Korea
    Incheon | South Korea
    Barcelona | Spain
    Granada | Spain
    Seville | Spain
    Valencia | Spain
    Gothenburg | Sweden
    Malmo | Sweden
    Basel | Switzerland
    Geneva | Switzerland
    Zurich | Switzerland
    Aleppo | Syria
    Arusha | Tanzania
    Antalya | Turkey
    Istanbul | Turkey
    Izmir | Turkey
    Lviv | Ukraine
    Odesa | Ukraine
    Hue | Vietnam
    Rotterdam | the Netherlands
    Utrecht | the Netherlands
    Cebu | the Philippines
    Dubai | the United Arab Emirates
    Belfast | the United Kingdom
    Bristol | the United Kingdom
    Edinburgh | the United Kingdom
    Glasgow | the United Kingdom
    Leeds | the United Kingdom
    Liverpool | the United Kingdom
    Manchester | the United Kingdom
    Oxford | the United Kingdom
    Boston | the United States
    Chicago | the United States
    Denver | the United States
    Detroit | the United States
    Houston | the United States
    Memphis | the United States
    Miami | the United States
    Philadelphia | the United States
    Pittsburgh | the United States
    Seattle | the United States
  `,
  aliases: `
    Istanbul | Constantinople
    Mumbai | Bombay
    Kolkata | Calcutta
    Chennai | Madras
    Saint Petersburg | Leningrad
    Chicago | the Windy City
  `,
};
