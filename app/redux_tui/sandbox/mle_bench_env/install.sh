# Lays out /opt/conda, /private and /home as MLE-bench's environment has them.
set -e
cd /opt/redux

mkdir -p /opt/conda/bin /opt/conda/envs /private /home/submission
chmod 700 /private
if [ -d home ]; then cp home/* /home/; fi

install() { # NAME PATH: unless the base image has a real one
    if ! command -v "$1" >/dev/null; then
        cp "$1" "$2"
        chmod 755 "$2"
    fi
}

if [ ! -x /opt/conda/bin/conda ]; then
    cp conda activate /opt/conda/bin/
    chmod 755 /opt/conda/bin/conda
fi
if [ ! -d /opt/conda/envs/agent ]; then
    /opt/conda/bin/conda create -y -n agent
fi
mkdir -p /usr/local/bin
install envsubst /usr/local/bin/envsubst
install which /usr/local/bin/which
