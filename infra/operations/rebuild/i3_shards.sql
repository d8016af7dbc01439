-- A creator's shard holds the sums of what it received, numbered 1 to n.
WITH shards AS (
  SELECT pk,
    SUM(CASE WHEN sk = 'LANE' THEN COALESCE(coins, 0) ELSE 0 END) AS coins,
    SUM(CASE WHEN sk = 'LANE' THEN COALESCE(gifts, 0) ELSE 0 END) AS gifts,
    SUM(CASE WHEN sk = 'LANE' THEN COALESCE(sequence, 0) ELSE 0 END) AS places,
    SUM(CASE WHEN sk = 'LANE' THEN 0 ELSE coins END) AS received_coins,
    SUM(CASE WHEN sk <> 'LANE' AND coins > 0 THEN 1 ELSE 0 END) AS received_gifts,
    SUM(CASE WHEN sk = 'LANE' THEN 0 ELSE 1 END) AS received,
    COUNT(DISTINCT CASE WHEN sk <> 'LANE' THEN sequence END) AS taken,
    COALESCE(MIN(CASE WHEN sk <> 'LANE' THEN sequence END), 1) AS first_place,
    COALESCE(MAX(CASE WHEN sk <> 'LANE' THEN sequence END), 0) AS last_place
  FROM items
  WHERE sk = 'LANE' OR sk LIKE 'GIFT#%'
  GROUP BY pk
)
SELECT pk AS subject, coins AS stored, received_coins AS computed, pk, NULL AS other_pk
FROM shards
WHERE coins <> received_coins
UNION ALL
SELECT pk || ' gifts' AS subject, gifts AS stored, received_gifts AS computed, pk, NULL AS other_pk
FROM shards
WHERE gifts <> received_gifts
UNION ALL
SELECT pk || ' sequence' AS subject, places AS stored,
  CASE WHEN received <> places THEN received WHEN taken <> places THEN taken ELSE last_place END AS computed,
  pk, NULL AS other_pk
FROM shards
WHERE received <> places OR taken <> places OR first_place <> 1 OR last_place <> places
