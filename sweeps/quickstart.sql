-- One line a network: how well it integrates, and how many of its units score like lattices.
SELECT coalesce(runs."target.kind", 'null: ' || runs."system.kind") AS network,
       runs.seed,
       round(any_value(position_error_cm), 1)                   AS error_cm,
       round(any_value(position_error_floor_cm), 1)             AS floor_cm,
       count(*)                                                 AS units,
       round(100 * avg(CAST(grid_score_60 > 0.8 AS INT)), 1)    AS "% above 0.8",
       round(100 * avg(CAST(grid_score_60 > 1.15 AS INT)), 1)   AS "% above 1.15",
       round(max(grid_score_60), 2)                             AS best
FROM units
JOIN runs USING (run_id)
GROUP BY 1, 2
ORDER BY 1, 2
