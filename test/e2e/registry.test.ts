// What enters the register of customers (services/billing/customers).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { register } from '../../services/billing/customers/db/registry.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

const customer = (number: string, email: string | null, phone: string | null) => ({
  number,
  name: 'Asha Kulkarni',
  address: '12 Lake Road',
  email,
  phone,
})

test('a customer whose address is not one address is refused, and nothing is stored (OPS-27)', async () => {
  const { pool } = postgres.db
  for (const [email, phone, said] of [
    ['a@x.example, b@y.example', null, /OPS-27 .*customer C-2: e-mail holds more than one @/],
    ['a@x.example\r\nRCPT TO:<b>', null, /OPS-27 .*customer C-2: e-mail holds a blank/],
    [null, '+91 99000 00001', /OPS-27 .*customer C-2: phone is not \+ and 7 to 15 digits/],
  ] as const) {
    const customers = [
      customer('C-1', 'a@x.example', '+919900000001'),
      customer('C-2', email, phone),
    ]
    await assert.rejects(register(pool, { customers }), said)
    const { rows } = await pool.query('select number from customers')
    assert.deepEqual(rows, [])
  }
  await register(pool, { customers: [customer('C-1', 'jürgen@x.example', null)] })
  const { rows } = await pool.query('select email, phone from customers')
  assert.deepEqual(rows, [{ email: 'jürgen@x.example', phone: null }])
})

test('an address that is entered by hand, in the database, meets the rule too', async () => {
  const { pool } = postgres.db
  const insert = (email: string | null, phone: string | null) =>
    pool.query(
      "insert into customers (number, name, address, email, phone) values ('H', '', '', $1, $2)",
      [email, phone],
    )
  for (const email of [
    'a@x.example, b@y.example',
    'a@x.example\r\nRCPT TO:<b>',
    'a@x.example\n',
    'a',
  ]) {
    await assert.rejects(insert(email, null), /customers_email_is_one_address/, email)
  }
  for (const phone of ['+91 99', '+919900000001\n', '919900000001']) {
    await assert.rejects(insert(null, phone), /customers_phone_is_one_number/, phone)
  }
  await insert('jürgen+x@mail.x.example', '+919900000001')
})

test('a text that PostgreSQL cannot hold is OPS-05 with the customer, not an error of the database', async () => {
  const { pool } = postgres.db
  for (const name of ['A\u0000sha', 'A\ud800sha', 'A\u001bsha']) {
    const customers = [{ ...customer('C-9', null, null), name }]
    await assert.rejects(register(pool, { customers }), /OPS-05 .*customer C-9: name/)
  }
})
