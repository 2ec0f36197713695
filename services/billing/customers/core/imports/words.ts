// What the columns of a file are called: by us, and by people in several languages.

import type { Target } from './kinds.ts'

export interface ColumnWords {
  readonly label: string
  readonly help: string
  /** Headers that people write, plain: lower case letters and digits alone. */
  readonly also: string
  /** The cell of the sample file. */
  readonly sample: string
}

const words = (label: string, help: string, also: string, sample: string): ColumnWords => ({
  label,
  help,
  also,
  sample,
})

export const COLUMN_WORDS: Readonly<Record<Target, ColumnWords>> = {
  'customer.number': words(
    'Customer number',
    'your own number; one customer may stand on several lines',
    'number customer customerno consumernumber consumerno kundennummer kundennr kdnr numeroclient ' +
      'numerocliente nocliente klantnummer numerodecliente clientnumber accountnumber canumber',
    'C-1001',
  ),
  'customer.name': words(
    'Customer name',
    'as it stands on the bill',
    'name customername fullname kunde kundenname nachname mieter nom nomclient nombre cliente ' +
      'naam tenant consumer consumername client nome',
    'Asha Kulkarni',
  ),
  'customer.address': words(
    'Customer address',
    'where letters go; blank for a new customer: the service point',
    'address postaladdress billingaddress anschrift rechnungsadresse postanschrift adresseclient ' +
      'adressefacturation direccioncliente postadres kundenadresse correspondenceaddress',
    '12 Lake Road, Pune 411001',
  ),
  'customer.email': words(
    'E-mail',
    'one address',
    'email mail emailaddress courriel correo correoelectronico mailadresse emailadresse',
    'asha@example.org',
  ),
  'customer.phone': words(
    'Phone',
    'with its country: +91...',
    'phone telephone telefon mobile mobil handy telefono movil telefoon phonenumber mobilenumber ' +
      'telefonnummer handynummer cell tel',
    '+919900000001',
  ),
  'customer.language': words(
    'Language',
    'of the bill: en',
    'language sprache langue idioma taal lang',
    'en',
  ),
  'point.code': words(
    'Service point code',
    'your own code of the flat or house',
    'code servicepoint servicepointcode point flat unit wohnung einheit verbrauchsstelle ' +
      'lieferstelle malo marktlokation pointdelivraison pdl cups puntodesuministro aansluiting ean ' +
      'unitnumber flatnumber premise premises apartment abnahmestelle anschlussstelle location',
    'FLAT-101',
  ),
  'point.address': words(
    'Service point address',
    'where it is supplied',
    'servicepointaddress serviceaddress supplyaddress flataddress lieferadresse address adresse ' +
      'standort strasse street direccion direcciondesuministro adres objekt siteaddress',
    'Flat 101, Lake Road 12, Pune 411001',
  ),
  'point.zone': words(
    'Time zone',
    'Europe/Berlin',
    'zone timezone zeitzone fuseauhoraire zonahoraria tijdzone tz',
    'Asia/Kolkata',
  ),
  'meter.number': words(
    'Meter number',
    'as the meter reports it',
    'meter meternumber meterno zaehlernummer zahlernummer zaehlernr zahlernr zaehler zahler ' +
      'compteur numerocompteur contador numerocontador meternummer serial serialnumber number',
    'M-70001',
  ),
  'meter.make': words(
    'Make',
    'maker and type',
    'make maker manufacturer type model hersteller ' +
      'fabricant fabricante fabrikant zaehlertyp zahlertyp metertype',
    'Schneider iEM3155',
  ),
  'meter.medium': words(
    'Medium',
    'electricity, water, heat or gas',
    'medium media energie energy fluide sparte utility kind',
    'electricity',
  ),
  'meter.digits': words(
    'Digits',
    'of the register, 3 to 15: where it rolls over',
    'digits dials stellen chiffres digitos cijfers registerdigits',
    '9',
  ),
  'meter.multiplier': words(
    'Multiplier',
    'ratio of its transformers; blank: 1',
    'multiplier factor faktor wandlerfaktor ratio coefficient meterconstant ctratio',
    '1',
  ),
  'meter.billedBy': words(
    'Billed by',
    'registers whose sum is billed, as 1.8.1 + 1.8.2; blank: the total',
    'billedby registers billedregisters abrechnungsregister',
    '',
  ),
  'installation.from': words(
    'Installed on',
    'date, or date and time; blank: when the contract begins',
    'installed installedon installationdate einbau einbaudatum eingebaut datepose instalado ' +
      'fechainstalacion geplaatst installedfrom from',
    '2026-10-01',
  ),
  'installation.to': words(
    'Removed on',
    'blank: still there',
    'removed removedon removaldate ausbau ausbaudatum ausgebaut datedepose retirado to',
    '',
  ),
  'installation.mainMeter': words(
    'Main meter',
    'the meter that it stands behind',
    'mainmeter behind hauptzaehler hauptzahler compteurprincipal parentmeter',
    '',
  ),
  'opening.value': words(
    'Opening reading',
    'what the register showed when it was installed',
    'opening openingreading reading initialreading startreading anfangsstand zaehlerstand ' +
      'zahlerstand index lecturainicial lectura meterstand stand previousreading',
    '10250.4',
  ),
  'opening.register': words(
    'Register',
    'OBIS code of the opening reading; blank: the total',
    'register obis obiscode',
    '',
  ),
  'opening.unit': words(
    'Unit',
    'of the opening reading; blank: kWh, for water and gas m3',
    'unitofreading readingunit einheitzaehlerstand uom unite unidad',
    'kWh',
  ),
  'opening.t1': words(
    'Opening reading T1',
    'register 1.8.1',
    't1 openingt1 ht hochtarif standt1 zaehlerstandht hp peak',
    '',
  ),
  'opening.t2': words(
    'Opening reading T2',
    'register 1.8.2',
    't2 openingt2 nt niedertarif standt2 zaehlerstandnt hc offpeak',
    '',
  ),
  'contract.number': words(
    'Contract number',
    'blank for a new one: the next free',
    'contract contractnumber contractno vertragsnummer vertrag numerocontrat contrato ' +
      'contractnummer vertragskonto',
    '',
  ),
  'contract.from': words(
    'Supplied from',
    'first day of the contract',
    'from start movein moveindate contractfrom contractstart einzug einzugsdatum vertragsbeginn ' +
      'lieferbeginn beginn begin von datedebut debut inicio fechainicio ingangsdatum suppliedfrom',
    '2026-10-01',
  ),
  'contract.to': words(
    'Supplied until',
    'first day that is no longer supplied; blank: open',
    'to until contractto bis',
    '',
  ),
  'contract.lastDay': words(
    'Last day',
    'last day that is supplied; blank: open',
    'lastday moveout moveoutdate end enddate contractend auszug auszugsdatum vertragsende ' +
      'lieferende ende datefin fin fechafin einddatum',
    '',
  ),
  'contract.billedFrom': words(
    'Billed from',
    'first day that is billed here; blank: supplied from',
    'billedfrom billingfrom billingstart abrechnungab abgerechnetab',
    '',
  ),
  'contract.tariff': words(
    'Tariff',
    'its code; blank: none agreed yet',
    'tariff tariffcode tarif tarifcode preis plan rate tarifa tarief',
    '',
  ),
  'contract.tariffFrom': words(
    'Tariff from',
    'first day of the tariff; blank: supplied from',
    'tarifffrom tarifab tariffstart',
    '',
  ),
  'contract.missing': words(
    'When a reading is missing',
    'wait or estimate; blank: wait',
    'missing missingreading',
    '',
  ),
  'reading.at': words(
    'Read on',
    'date, or date and time, on the clocks of its place',
    'at date readon readingdate datum ablesedatum abgelesen dateofreading fecha time when',
    '2026-10-31',
  ),
  'reading.register': words(
    'Register',
    'OBIS code; blank: the total',
    'register obis obiscode',
    '1.8.0',
  ),
  'reading.value': words(
    'Reading',
    'what the register showed',
    'value reading stand zaehlerstand zahlerstand index lectura meterstand',
    '10612.9',
  ),
  'reading.unit': words(
    'Unit',
    'blank: kWh, for water and gas m3',
    'unit einheit uom unite unidad',
    'kWh',
  ),
  'reading.kind': words(
    'Read by',
    'technician or customer; blank: technician',
    'kind readby source art abgelesenvon',
    'technician',
  ),
  'reading.photo': words('Photo', 'where its photo is kept', 'photo foto picture image', ''),
  'reading.note': words(
    'Note',
    'your own words',
    'note notes remark remarks bemerkung notiz comment',
    '',
  ),
}
