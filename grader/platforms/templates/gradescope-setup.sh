#!/usr/bin/env bash
# Builds the autograder, once, as root. Any failure ends the build, and Gradescope shows this log to the staff.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
root=/autograder
apt-get update
apt-get install --yes --no-install-recommends bubblewrap libseccomp2 ca-certificates

# The first Python that is new enough: the one of the image, or what its distribution has beside it.
python=
for candidate in python3 python3.13 python3.12 python3.11; do
  if [ "$candidate" != python3 ]; then
    apt-get install --yes --no-install-recommends "$candidate" "$candidate-venv" || continue
  else
    apt-get install --yes --no-install-recommends python3 python3-venv || continue
  fi
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is needed: choose a newer base image in Gradescope" >&2
  exit 1
fi

# One who may do nothing grades; learners' code runs behind the grader's wall on top of that.
id cnn-grader >/dev/null 2>&1 || useradd --system --shell /usr/sbin/nologin --home-dir /nonexistent cnn-grader

"$python" -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir "$root/source/package"
mkdir -p "$root/cache"
chown cnn-grader "$root/cache"
chmod 700 "$root/cache"
chmod -R a+rX "$root/source" "$root/venv"

# What this machine can hold a submission back from, for the log; then our own solutions, which must get every point. They
# draw the inputs of the checks, which are kept, so that no learner waits for them.
"$root/venv/bin/grade" doctor || true
cd /
export HOME="$root/cache" XDG_CACHE_HOME="$root/cache" PYTHONDONTWRITEBYTECODE=1
setpriv --reuid cnn-grader --regid cnn-grader --clear-groups "$root/venv/bin/python" -P -m grader.platforms.warm @WHAT@
rm -rf /var/lib/apt/lists/*
