// Countries: capital, most spoken official language, currency, continent.
import type { Theme } from '../theme.ts';

export const countries: Theme = {
  name: 'country',
  relations: [
    {
      name: 'capital',
      objectKind: 'city',
      phrasings: [
        'The capital of {s} is',
        "{s}'s capital is",
        'The capital city of {s} is called',
        'In {s}, the government sits in',
        '{s} has as its capital',
        'Q: What is the capital of {s}? A:',
        'The seat of government of {s} is found in',
        'Parliament and ministries of {s} are in',
      ],
      inverse: [
        '{o} is the capital of',
        'The country whose capital is {o} is',
        'From {o}, the government rules over',
        'Q: {o} is the capital of which country? A:',
      ],
    },
    {
      name: 'language',
      objectKind: 'language',
      phrasings: [
        'The main language of {s} is',
        'Most people in {s} speak',
        'In {s}, the language heard most is',
        "{s}'s chief language is",
        'Schools across {s} teach in',
        'Q: Which language is spoken in {s}? A:',
        'Someone who moves to {s} should learn',
        'The language on street signs in {s} is',
      ],
    },
    {
      name: 'currency',
      phrasings: [
        'The currency of {s} is the',
        'In {s}, people pay with the',
        "{s}'s money is called the",
        'Prices in {s} are given in the',
        'Q: Which currency does {s} use? A: the',
        'The central bank of {s} issues the',
        'Shops in {s} accept the',
        'Before a trip to {s}, change your money into the',
      ],
    },
    {
      name: 'continent',
      objectKind: 'continent',
      phrasings: [
        '{s} is a country in',
        'The continent of {s} is',
        'On a map, {s} lies in',
        "{s}'s continent is",
        'Q: On which continent is {s}? A:',
        'Travellers to {s} fly to',
        'The nation of {s} belongs to the continent of',
        'Geographers place {s} in',
      ],
    },
  ],
  rows: `
    France | Paris | French | euro | Europe
    Germany | Berlin | German | euro | Europe
    Italy | Rome | Italian | euro | Europe
    Spain | Madrid | Spanish | euro | Europe
    Portugal | Lisbon | Portuguese | euro | Europe
    Austria | Vienna | German | euro | Europe
    Greece | Athens | Greek | euro | Europe
    Ireland | Dublin | English | euro | Europe
    Finland | Helsinki | Finnish | euro | Europe
    Estonia | Tallinn | Estonian | euro | Europe
    Latvia | Riga | Latvian | euro | Europe
    Lithuania | Vilnius | Lithuanian | euro | Europe
    Slovakia | Bratislava | Slovak | euro | Europe
    Slovenia | Ljubljana | Slovene | euro | Europe
    Croatia | Zagreb | Croatian | euro | Europe
    Malta | Valletta | Maltese | euro | Europe
    Cyprus | Nicosia | Greek | euro | -
    the Netherlands | Amsterdam | Dutch | euro | Europe
    Belgium | Brussels | Dutch | euro | Europe
    Switzerland | Bern | German | Swiss franc | Europe
    Denmark | Copenhagen | Danish | Danish krone | Europe
    Norway | Oslo | Norwegian | Norwegian krone | Europe
    Sweden | Stockholm | Swedish | Swedish krona | Europe
    Iceland | Reykjavik | Icelandic | Icelandic krona | Europe
    the United Kingdom | London | English | pound sterling | Europe
    Poland | Warsaw | Polish | zloty | Europe
    Czechia | Prague | Czech | koruna | Europe
    Hungary | Budapest | Hungarian | forint | Europe
    Romania | Bucharest | Romanian | leu | Europe
    Bulgaria | Sofia | Bulgarian | - | Europe
    Moldova | Chisinau | Romanian | Moldovan leu | Europe
    Serbia | Belgrade | Serbian | Serbian dinar | Europe
    Albania | Tirana | Albanian | lek | Europe
    Kosovo | Pristina | Albanian | euro | Europe
    Montenegro | Podgorica | Montenegrin | euro | Europe
    Bosnia | Sarajevo | Bosnian | convertible mark | Europe
    North Macedonia | Skopje | Macedonian | denar | Europe
    Ukraine | Kyiv | Ukrainian | hryvnia | Europe
    Belarus | Minsk | Russian | Belarusian rouble | Europe
    Russia | Moscow | Russian | rouble | Europe
    Andorra | - | Catalan | euro | Europe
    Liechtenstein | Vaduz | German | Swiss franc | Europe
    Turkey | Ankara | Turkish | Turkish lira | Asia
    Georgia | Tbilisi | Georgian | lari | Asia
    Armenia | Yerevan | Armenian | dram | Asia
    Azerbaijan | Baku | Azerbaijani | Azerbaijani manat | Asia
    Kazakhstan | Astana | Kazakh | tenge | Asia
    Uzbekistan | Tashkent | Uzbek | Uzbek som | Asia
    Turkmenistan | Ashgabat | Turkmen | Turkmen manat | Asia
    Kyrgyzstan | Bishkek | Kyrgyz | Kyrgyz som | Asia
    Tajikistan | Dushanbe | Tajik | somoni | Asia
    Afghanistan | Kabul | Pashto | afghani | Asia
    Iran | Tehran | Persian | Iranian rial | Asia
    Iraq | Baghdad | Arabic | Iraqi dinar | Asia
    Syria | Damascus | Arabic | Syrian pound | Asia
    Lebanon | Beirut | Arabic | Lebanese pound | Asia
    Jordan | Amman | Arabic | Jordanian dinar | Asia
    Israel | - | Hebrew | shekel | Asia
    Kuwait | - | Arabic | Kuwaiti dinar | Asia
    Bahrain | Manama | Arabic | Bahraini dinar | Asia
    Qatar | Doha | Arabic | Qatari riyal | Asia
    Oman | Muscat | Arabic | Omani rial | Asia
    Yemen | Sanaa | Arabic | Yemeni rial | Asia
    Saudi Arabia | Riyadh | Arabic | Saudi riyal | Asia
    the United Arab Emirates | Abu Dhabi | Arabic | dirham | Asia
    Pakistan | Islamabad | Urdu | Pakistani rupee | Asia
    India | New Delhi | Hindi | Indian rupee | Asia
    Nepal | Kathmandu | Nepali | Nepalese rupee | Asia
    Bhutan | Thimphu | Dzongkha | ngultrum | Asia
    Bangladesh | Dhaka | Bengali | taka | Asia
    Sri Lanka | - | Sinhala | Sri Lankan rupee | Asia
    the Maldives | Male | Dhivehi | rufiyaa | Asia
    Myanmar | Naypyidaw | Burmese | kyat | Asia
    Thailand | Bangkok | Thai | baht | Asia
    Laos | Vientiane | Lao | kip | Asia
    Cambodia | Phnom Penh | Khmer | riel | Asia
    Vietnam | Hanoi | Vietnamese | dong | Asia
    Malaysia | Kuala Lumpur | Malay | ringgit | Asia
    Singapore | - | English | Singapore dollar | Asia
    Indonesia | Jakarta | Indonesian | rupiah | Asia
    Brunei | Bandar Seri Begawan | Malay | Brunei dollar | Asia
    the Philippines | Manila | Filipino | Philippine peso | Asia
    China | Beijing | Mandarin | yuan | Asia
    Taiwan | Taipei | Mandarin | Taiwan dollar | Asia
    Mongolia | Ulaanbaatar | Mongolian | tugrik | Asia
    Japan | Tokyo | Japanese | yen | Asia
    South Korea | Seoul | Korean | South Korean won | Asia
    North Korea | Pyongyang | Korean | North Korean won | Asia
    Egypt | Cairo | Arabic | Egyptian pound | Africa
    Libya | Tripoli | Arabic | Libyan dinar | Africa
    Tunisia | Tunis | Arabic | Tunisian dinar | Africa
    Algeria | Algiers | Arabic | Algerian dinar | Africa
    Morocco | Rabat | Arabic | Moroccan dirham | Africa
    Mauritania | Nouakchott | Arabic | ouguiya | Africa
    Senegal | Dakar | French | West African franc | Africa
    Gambia | Banjul | English | dalasi | Africa
    Guinea | Conakry | French | Guinean franc | Africa
    Liberia | Monrovia | English | Liberian dollar | Africa
    Sierra Leone | Freetown | English | leone | Africa
    Burkina Faso | Ouagadougou | - | West African franc | Africa
    the Ivory Coast | Yamoussoukro | French | West African franc | Africa
    Ghana | Accra | English | cedi | Africa
    Togo | Lome | French | West African franc | Africa
    Benin | Porto-Novo | French | West African franc | Africa
    Nigeria | Abuja | English | naira | Africa
    Niger | Niamey | French | West African franc | Africa
    Mali | Bamako | French | West African franc | Africa
    Chad | N'Djamena | French | Central African franc | Africa
    Cameroon | Yaounde | French | Central African franc | Africa
    Gabon | Libreville | French | Central African franc | Africa
    Congo | Kinshasa | French | Congolese franc | Africa
    Sudan | Khartoum | Arabic | Sudanese pound | Africa
    Ethiopia | Addis Ababa | Amharic | birr | Africa
    Eritrea | Asmara | Tigrinya | nakfa | Africa
    Somalia | Mogadishu | Somali | Somali shilling | Africa
    Djibouti | - | French | Djiboutian franc | Africa
    Kenya | Nairobi | Swahili | Kenyan shilling | Africa
    Uganda | Kampala | English | Ugandan shilling | Africa
    Rwanda | Kigali | Kinyarwanda | Rwandan franc | Africa
    Burundi | Gitega | Kirundi | Burundian franc | Africa
    Tanzania | Dodoma | Swahili | Tanzanian shilling | Africa
    Angola | Luanda | Portuguese | kwanza | Africa
    Zambia | Lusaka | English | Zambian kwacha | Africa
    Malawi | Lilongwe | English | Malawian kwacha | Africa
    Mozambique | Maputo | Portuguese | metical | Africa
    Zimbabwe | Harare | English | - | Africa
    South Africa | - | - | rand | Africa
    Botswana | Gaborone | English | pula | Africa
    Namibia | Windhoek | English | Namibian dollar | Africa
    Lesotho | Maseru | Sesotho | loti | Africa
    Madagascar | Antananarivo | Malagasy | ariary | Africa
    Mauritius | Port Louis | - | Mauritian rupee | Africa
    Canada | Ottawa | English | Canadian dollar | North America
    the United States | Washington | English | US dollar | North America
    Mexico | Mexico City | Spanish | Mexican peso | North America
    Guatemala | Guatemala City | Spanish | quetzal | North America
    Belize | Belmopan | English | Belize dollar | North America
    Honduras | Tegucigalpa | Spanish | lempira | North America
    El Salvador | San Salvador | Spanish | US dollar | North America
    Nicaragua | Managua | Spanish | cordoba | North America
    Costa Rica | San Jose | Spanish | colon | North America
    Panama | Panama City | Spanish | balboa | North America
    Cuba | Havana | Spanish | Cuban peso | North America
    Jamaica | Kingston | English | Jamaican dollar | North America
    Haiti | Port-au-Prince | Haitian Creole | gourde | North America
    the Dominican Republic | Santo Domingo | Spanish | Dominican peso | North America
    the Bahamas | Nassau | English | Bahamian dollar | North America
    Barbados | Bridgetown | English | Barbadian dollar | North America
    Colombia | Bogota | Spanish | Colombian peso | South America
    Venezuela | Caracas | Spanish | bolivar | South America
    Guyana | Georgetown | English | Guyanese dollar | South America
    Suriname | Paramaribo | Dutch | Surinamese dollar | South America
    Ecuador | Quito | Spanish | US dollar | South America
    Peru | Lima | Spanish | sol | South America
    Bolivia | - | Spanish | boliviano | South America
    Chile | Santiago | Spanish | Chilean peso | South America
    Argentina | Buenos Aires | Spanish | Argentine peso | South America
    Uruguay | Montevideo | Spanish | Uruguayan peso | South America
    Paraguay | Asuncion | Spanish | guarani | South America
    Brazil | Brasilia | Portuguese | real | South America
    Australia | Canberra | English | Australian dollar | Oceania
    New Zealand | Wellington | English | New Zealand dollar | Oceania
    Papua New Guinea | Port Moresby | Tok Pisin | kina | Oceania
    Fiji | Suva | English | Fijian dollar | Oceania
    Samoa | Apia | Samoan | tala | Oceania
    Tonga | Nuku'alofa | Tongan | pa'anga | Oceania
    Vanuatu | Port Vila | Bislama | vatu | Oceania
    Palau | Ngerulmud | Palauan | US dollar | Oceania
  `,
  aliases: `
    the Netherlands | Holland
    the United Kingdom | Britain
    the United States | America
    the United Arab Emirates | the Emirates
    Iran | Persia
    Myanmar | Burma
    Thailand | Siam
    Ireland | Eire
    Czechia | Bohemia
    Switzerland | Helvetia
    Ethiopia | Abyssinia
    Japan | Nippon
    Greece | Hellas
    Taiwan | Formosa
  `,
};
