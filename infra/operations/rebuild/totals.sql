-- The figures of a report.
SELECT
  SUM(CASE WHEN sk = 'WALLET' THEN 1 ELSE 0 END) AS wallets,
  SUM(CASE WHEN sk = 'WALLET' THEN COALESCE(coins, 0) ELSE 0 END) AS coins_held,
  SUM(CASE WHEN sk LIKE 'ENTRY#%' AND status = 'posted' THEN 1 ELSE 0 END) AS entries,
  SUM(CASE WHEN kind IN ('gift', 'cheer', 'super_chat') AND status = 'posted' THEN 1 ELSE 0 END) AS gifts,
  COUNT(DISTINCT CASE WHEN sk = 'LANE' THEN creator_id END) AS creators,
  SUM(CASE WHEN sk = 'LANE' THEN 1 ELSE 0 END) AS shards,
  SUM(CASE WHEN sk = 'LANE' THEN coins ELSE 0 END) AS coins_earned,
  SUM(CASE WHEN sk LIKE 'ENTRY#%' AND status = 'posted' AND creator_id IS NOT NULL THEN 1
           WHEN sk LIKE 'GIFT#%' THEN -1 ELSE 0 END) AS in_transit
FROM items
