-- The extension script is read by CREATE EXTENSION only.
\echo Use "CREATE EXTENSION timetrackr CASCADE" to load this file. \quit
