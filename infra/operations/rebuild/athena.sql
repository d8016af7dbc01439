-- The flat view on a full export in S3, for Athena. {location} is the address of the export; {settled} is a time.
-- Checked by a parser only: these statements were not run on AWS. The columns are those of duckdb.sql.
DROP TABLE IF EXISTS ledger_export;

CREATE EXTERNAL TABLE ledger_export (
  item struct<
    pk: struct<s: string>, sk: struct<s: string>, kind: struct<s: string>, status: struct<s: string>,
    coins: struct<n: string>, event_id: struct<s: string>, posted_at: struct<s: string>,
    announced_at: struct<s: string>, about: struct<s: string>, payment_intent: struct<s: string>,
    amount_minor: struct<n: string>, kept_minor: struct<n: string>, hold: struct<s: string>, d: struct<n: string>,
    creator_id: struct<s: string>, lane: struct<n: string>, sender_id: struct<s: string>, gifts: struct<n: string>,
    sequence: struct<n: string>
  >
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION '{location}/data/';

CREATE OR REPLACE VIEW items AS
SELECT
  item.pk.s AS pk,
  item.sk.s AS sk,
  item.kind.s AS kind,
  item.status.s AS status,
  CASE WHEN regexp_like(item.coins.n, '^-?[0-9]{1,18}$') THEN CAST(item.coins.n AS DECIMAL(38, 0)) END AS coins,
  item.coins IS NOT NULL AS has_coins,
  item.event_id.s AS event_id,
  COALESCE(item.posted_at.s < '{settled}', TRUE) AS settled,
  item.announced_at.s AS announced_at,
  item.about.s AS about,
  item.payment_intent.s AS payment_intent,
  CASE WHEN regexp_like(item.amount_minor.n, '^-?[0-9]{1,18}$') THEN CAST(item.amount_minor.n AS DECIMAL(38, 0)) END AS amount_minor,
  CASE WHEN regexp_like(item.kept_minor.n, '^-?[0-9]{1,18}$') THEN CAST(item.kept_minor.n AS DECIMAL(38, 0)) END AS kept_minor,
  item.kept_minor IS NOT NULL AS has_kept_minor,
  item.hold.s AS hold,
  CASE WHEN regexp_like(item.d.n, '^-?[0-9]{1,18}$') THEN CAST(item.d.n AS DECIMAL(38, 0)) END AS disputes,
  item.d IS NOT NULL AS has_disputes,
  CASE WHEN item.pk.s LIKE 'CREATOR#%' THEN split_part(item.pk.s, '#', 2) ELSE item.creator_id.s END AS creator_id,
  item.lane.n AS lane,
  item.sender_id.s AS sender_id,
  CASE WHEN regexp_like(item.gifts.n, '^-?[0-9]{1,18}$') THEN CAST(item.gifts.n AS DECIMAL(38, 0)) END AS gifts,
  CASE WHEN regexp_like(item.sequence.n, '^-?[0-9]{1,18}$') THEN CAST(item.sequence.n AS DECIMAL(38, 0)) END AS sequence
FROM ledger_export;
