-- A purchase grants the share of its coins whose price is kept, rounded down; all of them if it was free. What was
-- clawed back or restored is of a posted purchase, except an operator's clawback, which is of none.
WITH granted AS (
  SELECT pk, sk, coins, coins AS bought, amount_minor AS paid, COALESCE(kept_minor, amount_minor) AS kept, 1 AS posted
  FROM items
  WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND kind = 'purchase'
  UNION ALL
  SELECT pk, 'ENTRY#' || about AS sk, coins, 0 AS bought, 0 AS paid, 0 AS kept, 0 AS posted
  FROM items
  WHERE sk LIKE 'ENTRY#%' AND status = 'posted' AND kind IN ('clawback', 'restore') AND about IS NOT NULL
),
purchases AS (
  SELECT pk, sk, SUM(coins) AS coins, SUM(bought) AS bought, SUM(paid) AS paid, SUM(kept) AS kept, SUM(posted) AS posted
  FROM granted
  GROUP BY pk, sk
)
SELECT pk || ' ' || sk AS subject, coins AS stored, NULL AS computed, pk, NULL AS other_pk
FROM purchases
WHERE posted <> 1 OR kept < 0 OR kept > paid
  OR (paid = 0 AND coins <> bought)
  OR (paid > 0 AND NOT (coins * paid <= bought * kept AND bought * kept < (coins + 1) * paid))
