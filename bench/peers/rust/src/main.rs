// SPDX-License-Identifier: Apache-2.0
//! An echo on tokio-tungstenite, on one thread; TLS by the system's OpenSSL, as in gateward.
//!
//!     bench-echo PORT CERT KEY      CERT "-" means plain
use futures_util::{SinkExt, StreamExt};
use openssl::ssl::{Ssl, SslAcceptor, SslFiletype, SslMethod};
use std::error::Error;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;
use tokio_tungstenite::accept_async;

type Failure = Box<dyn Error>;

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), Failure> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

fn acceptor(cert: &str, key: &str) -> Result<Option<SslAcceptor>, Failure> {
    if cert == "-" {
        return Ok(None);
    }
    let mut tls = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server())?;
    tls.set_certificate_chain_file(cert)?;
    tls.set_private_key_file(key, SslFiletype::PEM)?;
    Ok(Some(tls.build()))
}

async fn serve(stream: TcpStream, tls: Option<SslAcceptor>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let tls = match tls {
        Some(tls) => tls,
        None => return echo(stream).await,
    };
    let mut stream = SslStream::new(Ssl::new(tls.context())?, stream)?;
    Pin::new(&mut stream).accept().await?;
    echo(stream).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().collect();
    if words.len() < 4 {
        return Err("usage: bench-echo PORT CERT KEY".into());
    }
    let tls = acceptor(&words[2], &words[3])?;
    let listener = TcpListener::bind(("127.0.0.1", words[1].parse::<u16>()?)).await?;
    println!("ready");
    loop {
        let (stream, _) = listener.accept().await?;
        let tls = tls.clone();
        tokio::spawn(async move {
            let _ = serve(stream, tls).await;
        });
    }
}
