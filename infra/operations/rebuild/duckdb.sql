-- The flat view on a full export, for DuckDB. {data} is the pattern of the export's data files; {settled} is a time.
-- A table, because it is read once for each file beside this one, and an export takes long to parse.
-- A number that is missing, not whole or of more than 18 digits is NULL, so that sums and products of two cannot overflow;
-- i6_amounts.sql reports it. An item without a time is settled.
CREATE MACRO whole(digits) AS CASE WHEN regexp_full_match(digits, '-?[0-9]{1,18}') THEN CAST(digits AS DECIMAL(38, 0)) END;

CREATE TABLE items AS
SELECT
  Item.PK.S AS pk,
  Item.SK.S AS sk,
  Item.kind.S AS kind,
  Item.status.S AS status,
  whole(Item.coins.N) AS coins,
  Item.coins IS NOT NULL AS has_coins,
  Item.event_id.S AS event_id,
  COALESCE(Item.posted_at.S < '{settled}', TRUE) AS settled,
  Item.announced_at.S AS announced_at,
  Item.about.S AS about,
  Item.payment_intent.S AS payment_intent,
  whole(Item.amount_minor.N) AS amount_minor,
  whole(Item.kept_minor.N) AS kept_minor,
  Item.kept_minor IS NOT NULL AS has_kept_minor,
  Item.hold.S AS hold,
  whole(Item.d.N) AS disputes,
  Item.d IS NOT NULL AS has_disputes,
  CASE WHEN Item.PK.S LIKE 'CREATOR#%' THEN split_part(Item.PK.S, '#', 2) ELSE Item.creator_id.S END AS creator_id,
  Item.lane.N AS lane,
  Item.sender_id.S AS sender_id,
  whole(Item.gifts.N) AS gifts,
  whole(Item.sequence.N) AS sequence
FROM read_json(
  '{data}',
  format = 'newline_delimited',
  compression = 'gzip',
  columns = {
    Item: 'STRUCT(
      PK STRUCT(S VARCHAR), SK STRUCT(S VARCHAR), kind STRUCT(S VARCHAR), status STRUCT(S VARCHAR),
      coins STRUCT(N VARCHAR), event_id STRUCT(S VARCHAR), posted_at STRUCT(S VARCHAR),
      announced_at STRUCT(S VARCHAR), about STRUCT(S VARCHAR), payment_intent STRUCT(S VARCHAR),
      amount_minor STRUCT(N VARCHAR), kept_minor STRUCT(N VARCHAR), hold STRUCT(S VARCHAR), d STRUCT(N VARCHAR),
      creator_id STRUCT(S VARCHAR), lane STRUCT(N VARCHAR), sender_id STRUCT(S VARCHAR), gifts STRUCT(N VARCHAR),
      sequence STRUCT(N VARCHAR))'
  }
);
