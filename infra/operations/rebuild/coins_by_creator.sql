-- The coins of each creator, over all shards.
SELECT creator_id, SUM(coins) AS coins FROM items WHERE sk = 'LANE' GROUP BY creator_id
