@rem Windows: what is due, every twenty minutes. Once, as an administrator:
@rem schtasks /Create /TN gik-forecast /SC MINUTE /MO 20 /TR C:\gik-deno\docs\deploy\gik-forecast.cmd
@cd /d C:\gik-deno
@set DENO_NO_UPDATE_CHECK=1
@deno run --no-prompt --quiet -P=watch --allow-read=.,C:\forecasts --allow-write=C:\forecasts stages/watch.ts --runs 00,12 --output-dir C:\forecasts --keep-days 14 --once --quiet >> C:\forecasts\watch.log 2>&1
